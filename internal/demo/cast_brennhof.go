package demo

// brennhof is the German company, with an office in Tokyo. Nobody in it lives; the
// Berlin numbers are of the range kept free for stories.
var brennhof = []member{
	{local: "katharina.vogt", name: "Katharina Vogt", phone: "+49 30 23125 101", title: "Head of IT", admin: true, lang: en, zone: inBerlin, state: Enrolled, method: app, day: 0.72},
	{local: "stefan.lindner", name: "Stefan Lindner", phone: "+49 30 23125 102", title: "Facility Manager", admin: true, lang: en, zone: inBerlin, state: Enrolled, method: mailed, day: 2.77},
	{local: "eri.kuroda", name: "黒田 恵理", phone: "03-0066-0103", title: "東京支店 総務", admin: true, lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 5.41},
	{local: "ulrike.sommer", name: "Ulrike Sommer", phone: "+49 30 23125 104", title: "Head of Purchasing", admin: true, lang: en, zone: inBerlin, state: InGrace},

	{local: "jonas.keller", name: "Jonas Keller", phone: "+49 30 23125 111", title: "Purchasing", lang: en, zone: inBerlin, state: Enrolled, method: app, day: 0.81},
	{local: "lena.hartmann", name: "Lena Hartmann", phone: "+49 30 23125 112", title: "Purchasing", lang: en, zone: inBerlin, state: Enrolled, method: app, day: 1.75},
	{local: "felix.brandt", name: "Felix Brandt", phone: "+49 30 23125 113", title: "Sales", lang: en, zone: inBerlin, state: Enrolled, method: app, day: 3.84},
	{local: "marie.dubois", name: "Marie Dubois", phone: "+49 30 23125 114", title: "Sales", lang: en, zone: inBerlin, state: Enrolled, method: app, day: 4.79},
	{local: "kenichi.hara", name: "原 健一", phone: "03-0066-0115", title: "東京支店 営業", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 6.56},
	{local: "pieter.devries", name: "Pieter de Vries", phone: "+49 30 23125 116", title: "Logistics", lang: en, zone: inBerlin, state: Enrolled, method: app, day: 9.73},
	{local: "anna.kowalska", name: "Anna Kowalska", phone: "+49 30 23125 117", title: "Accounting", lang: en, zone: inBerlin, state: Enrolled, method: app, day: 11.88},
	{local: "tobias.frank", name: "Tobias Frank", phone: "+49 30 23125 118", title: "Trainee", lang: en, zone: inBerlin, state: Enrolled, method: app, joined: 10.71, day: 12.76},

	{local: "giulia.ferri", name: "Giulia Ferri", phone: "+49 30 23125 121", title: "Front Desk", lang: en, zone: inBerlin, state: Granted, method: mailed, day: 7.82},
	{local: "bernd.achterberg", name: "Bernd Achterberg", phone: "+49 30 23125 122", title: "Workshop", lang: en, zone: inBerlin, state: Waiting, day: 11.74},
	{local: "sofia.lindqvist", name: "Sofia Lindqvist", phone: "+49 30 23125 123", title: "Sales", lang: en, zone: inBerlin, state: InGrace, day: 5.83},
	{local: "paul.richter", name: "Paul Richter", phone: "+49 30 23125 124", title: "Logistics", lang: en, zone: inBerlin, state: InGrace},
	{local: "noriko.arai", name: "新井 紀子", phone: "03-0066-0125", title: "東京支店 経理", lang: ja, zone: inTokyo, state: InGrace, day: 12.43},
	{local: "heinz.albrecht", name: "Heinz Albrecht", phone: "+49 30 23125 126", title: "Workshop", lang: en, zone: inBerlin, state: Imported, hash: inCrypt},
	{local: "monika.krueger", name: "Monika Krüger", phone: "+49 30 23125 127", title: "Accounting", lang: en, zone: inBerlin, state: Imported, hash: inBcrypt},
	{local: "rolf.steiner", name: "Rolf Steiner", phone: "+49 30 23125 128", title: "Workshop", lang: en, zone: inBerlin, state: Weak, day: -5.2},
	{local: "ingrid.holm", name: "Ingrid Holm", phone: "+49 30 23125 129", title: "Personnel", lang: en, zone: inBerlin, state: Requested},
	{local: "clara.weiss", name: "Clara Weiß", phone: "+49 30 23125 130", title: "Trainee", lang: en, zone: inBerlin, state: Invited, joined: 12.86},
	{local: "dieter.lang", name: "Dieter Lang", phone: "+49 30 23125 131", title: "Sales (left)", lang: en, zone: inBerlin, state: Suspended},
	{local: "viktor.orlov", name: "Viktor Orlov", phone: "+49 30 23125 132", title: "Purchasing", lang: en, zone: inBerlin, state: Void, method: app, day: 1.83},
}
