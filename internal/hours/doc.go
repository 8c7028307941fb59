// Package hours is business time as data: the working days and hours of the
// setting NIDAN_HOURS in the house zone, the public holidays of Japan, and the days
// that operators close or open besides.
//
// Table: business_day (the days of operators). The holidays stand in holidays.txt,
// which says where they come from, and reach to the end of 2050 (LastHoliday). A
// day beyond is a working day by its weekday alone, unless an operator closed it;
// `nidan check` says so when less than a year is left.
//
// Everything but the reading of that table is pure. A calendar without hours is
// never open, and nothing is due by it.
package hours
