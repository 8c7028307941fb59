// Package trace tells where the time of a request goes: spans of OpenTelemetry, sent
// by OTLP over HTTP to NIDAN_TRACES. It is off unless that is set, and then costs one
// look at a flag.
//
// A span names routes, statements and lanes of mail. It never names a person, an
// address, a value of a statement or a path as it was asked, since paths hold links.
package trace
