package house

import "strings"

const migration = "internal/store/migrations/0001_portal.sql"

// accounts is a schema with one table of organizations and one without.
const accounts = `-- organization, account: who
create table organization (
	id text primary key
);
create table account (
	id text primary key,
	organization_id text not null references organization (id)
);
`

// asks is a room's store.go with one function around a statement.
func asks(room, expression string) map[string]string {
	return map[string]string{
		migration: accounts,
		"internal/" + room + "/store.go": "package " + room + "\n" +
			"const columns = `id, organization_id`\n" +
			"const one = `select id from account where organization_id = $1 and id = $2`\n" +
			"func Planted(more string) { ask(" + expression + ") }\n",
	}
}

// framed is a room with pages, and what every page's view has.
func framed(room, text string) map[string]string {
	return map[string]string{
		"internal/page/view.go":          "package page; type View struct { Title string; query int }; func (v *View) Places() int { return 1 }",
		"internal/" + room + "/pages.go": "package " + room + "; import \"nidan/internal/page\"; " + text,
	}
}

func file(name, text string) map[string]string { return map[string]string{name: text} }

var rules = []rule{
	{
		name: "imports go down", breaches: importsGoDown,
		breaking: []planted{
			{"signin, which is above it", file("internal/totp/totp.go", `package totp; import "nidan/internal/signin"`)},
			{"do not know each other", file("internal/totp/totp.go", `package totp; import "nidan/internal/pass"`)},
			{"session, which is above it", file("internal/account/account_test.go", `package account; import "nidan/internal/session"`)},
			{"has no floor", file("internal/cellar/cellar.go", `package cellar`)},
			{"only helps tests", file("internal/totp/totp.go", `package totp; import "nidan/internal/store/storetest"`)},
			{"is not a room", file("cmd/nidan/main.go", `package main; import "nidan/extra"`)},
		},
		keeping: []map[string]string{
			file("internal/signin/signin.go", `package signin; import "nidan/internal/totp"`),
			file("internal/session/session.go", `package session; import "nidan/internal/account"`),
			file("internal/totp/totp_test.go", `package totp; import ("nidan/internal/store/storetest"; "nidan/internal/pass")`),
			file("internal/store/storetest/storetest.go", `package storetest; import "nidan/internal/clock"`),
			file("cmd/nidan/main.go", `package main; import "nidan/internal/cli"`),
		},
	},
	{
		name: "only the store knows drivers", breaches: onlyTheStoreKnowsDrivers,
		breaking: []planted{
			{"only internal/store imports database/sql", file("internal/totp/store.go", `package totp; import "database/sql"`)},
			{"only internal/store imports", file("internal/cli/cli.go", `package cli; import "github.com/jackc/pgx/v5/stdlib"`)},
		},
		keeping: []map[string]string{file("internal/store/store.go", `package store; import "database/sql"`)},
	},
	{
		name: "packages are nouns of the portal", breaches: packagesAreNouns,
		breaking: []planted{
			{"gathers everything", file("internal/utils/u.go", `package utils`)},
			{"gathers everything", file("internal/totp/helper/h.go", `package helper`)},
		},
		keeping: []map[string]string{file("internal/totp/totp.go", `package totp`)},
	},
	{
		name: "the rule of a room is pure", breaches: theRuleOfARoomIsPure,
		breaking: []planted{
			{"does without net/http", file("internal/totp/totp.go", `package totp; import "net/http"`)},
			{"does without context", file("internal/limit/limit.go", `package limit; import "context"`)},
		},
		keeping: []map[string]string{
			file("internal/totp/pages.go", `package totp; import "net/http"`),
			file("internal/route/route.go", `package route; import "net/http"`),
		},
	},
	{
		name: "only the clock reads the time", breaches: onlyTheClockReadsTheTime,
		breaking: []planted{
			{"time.Now reads", file("internal/totp/pages.go", `package totp; import "time"; var now = time.Now`)},
			{"time.Since reads", file("internal/totp/totp.go", `package totp; import t "time"; func age(x t.Time) { _ = t.Since(x) }`)},
		},
		keeping: []map[string]string{
			file("internal/clock/clock.go", `package clock; import "time"; var now = time.Now`),
			file("internal/cli/bench.go", `package cli; import "time"; var now = time.Now`),
			file("internal/totp/totp_test.go", `package totp; import "time"; var now = time.Now`),
			file("internal/totp/totp.go", `package totp; import "time"; var wait = time.After`),
		},
	},
	{
		name: "interfaces are small", breaches: interfacesAreSmall,
		breaking: []planted{
			{"4 methods", file("internal/totp/a.go", `package totp; type A interface { W(); X(); Y(); Z() }`)},
			{"4 methods", file("internal/totp/a.go", `package totp; type A interface { B; Y(); Z() }; type B interface { W(); X() }`)},
		},
		keeping: []map[string]string{file("internal/totp/a.go", `package totp; type A interface { X(); Y(); Z() }`)},
	},
	{
		name: "files are short", breaches: filesAreShort,
		breaking: []planted{
			{"500", file("internal/totp/pages.go", "package totp\n"+strings.Repeat("//\n", 500))},
			{"under 60", file("cmd/nidan/main.go", "package main\n"+strings.Repeat("//\n", 59))},
			{"25 are the most", file("internal/totp/doc.go", strings.Repeat("//\n", 25)+"package totp\n")},
		},
		keeping: []map[string]string{{
			"internal/totp/pages.go":    "package totp\n" + strings.Repeat("//\n", 500),
			"docs/decisions/0007-x.md":  "internal/totp/pages.go stays whole, for it is one table.",
			"internal/totp/table.css":   strings.Repeat("\n", 500),
			"internal/x/testdata/a.sql": strings.Repeat("\n", 900),
		}},
	},
	{
		name: "SQL stands in store files", breaches: sqlStandsInStoreFiles,
		breaking: []planted{
			{"stands only in store.go", file("internal/totp/pages.go", "package totp; const q = `\n\tselect id from totp`")},
			{"stands only in store.go", file("internal/totp/totp.go", `package totp; const q = "update totp set seed = $1"`)},
			{"stands only in store.go", file("internal/totp/totp.go", `package totp; const q = "WITH a AS (select 1) delete from totp"`)},
			{"in lower case", file("internal/totp/store.go", `package totp; const q = "SELECT id FROM totp"`)},
		},
		keeping: []map[string]string{
			file("internal/totp/store_seed.go", `package totp; const q = "select id from totp"`),
			file("internal/totp/totp_test.go", `package totp; const q = "select id from totp"`),
			file("internal/cli/cli.go", `package cli; const help = "select one from the list, update your address with create or delete"`),
		},
	},
	{
		name: "a room writes its own tables", breaches: aRoomWritesItsOwnTables,
		breaking: []planted{
			{"writes the table account of organization, account", asks("totp", "`update account set method = $1 where organization_id = $2`")},
			{"writes the table account", asks("pass", "`insert into account (id, organization_id) values ($1, $2)`")},
		},
		keeping: []map[string]string{
			asks("account", "`delete from account where organization_id = $1`"),
			asks("totp", "`select id from account where organization_id = $1`"),
		},
	},
	{
		name:     "statements name the organization",
		breaches: func(t *tree) []string { return crossings(t, acrossOrganizations) },
		breaking: []planted{
			{"account.Planted asks account", asks("account", "`select id from account where id = $1`")},
			{"without a condition", asks("account", "`select id, organization_id from account where id = $1`")},
			{"without a condition", asks("account", "`select `+columns+` from account`")},
			{"without a condition", asks("account", "`select o.id from organization o, account a where a.id = $1`")},
			{"without a condition", asks("account", "`update account set id = $1 where id = $2`+more")},
			{"without a condition", asks("account", "`with x as (select id from account) select id from x where id = $1`")},
		},
		keeping: []map[string]string{
			asks("account", "one"),
			asks("account", "`select `+columns+` from account`+` where organization_id = $1`"),
			asks("account", "`select id from organization where id = $1`"),
			asks("account", "`insert into account (id, organization_id) values ($1, $2)`"),
			asks("account", "`select o.id from organization o join account a on a.organization_id = o.id`"),
		},
	},
	{
		name:     "no allowance is left over",
		breaches: func(t *tree) []string { return leftOver(t, acrossOrganizations) },
	},
	{
		name:     "unheard writes are listed",
		breaches: func(t *tree) []string { return unheardWritesAreListed(t, listed(t)) },
		breaking: []planted{
			{"account.Planted keeps what it writes", asks("account", "tx.AboutHere(`o`, `h`).Exec(`update account set id = $1 where organization_id = $2`)")},
			{"account.Planted keeps what it writes", asks("account", "tx.AboutNobody()")},
		},
		keeping: []map[string]string{asks("account", "tx.About(`o`, `h`).Exec(`update account set id = $1 where organization_id = $2`)")},
	},
	{
		name: "both languages say the same", breaches: bothLanguagesSayTheSame,
		breaking: []planted{
			{"missing", file("internal/totp/words/en.json", `{"totp.a": "x"}`)},
			{"totp.b is not in", map[string]string{
				"internal/totp/words/en.json": `{"totp.a": "x", "totp.b": "y"}`, "internal/totp/words/ja.json": `{"totp.a": "x"}`}},
			{"fills in", map[string]string{
				"internal/totp/words/en.json": `{"totp.a": "x {n}"}`, "internal/totp/words/ja.json": `{"totp.a": "x {m}"}`}},
			{"twice", map[string]string{
				"internal/totp/words/en.json": `{"totp.a": "x", "totp.a": "y"}`, "internal/totp/words/ja.json": `{"totp.a": "x"}`}},
			{"says nothing", map[string]string{
				"internal/totp/words/en.json": `{"totp.a": ""}`, "internal/totp/words/ja.json": `{"totp.a": "x"}`}},
		},
		keeping: []map[string]string{{
			"internal/totp/words/en.json": `{"totp.a": {"one": "a day", "other": "{n} days"}}`,
			"internal/totp/words/ja.json": `{"totp.a": "{n}日"}`,
		}},
	},
	{
		name: "text fits every machine", breaches: textFitsEveryMachine,
		breaking: []planted{
			{"one machine", file("docs/a.md", "see /"+"home/me/notes")},
			{"one registry", file("docs/a.md", "from proxy.golang"+".org")},
		},
		keeping: []map[string]string{file("docs/a.md", "see internal/home/pages and https://go.dev/dl/")},
	},
	{
		name: "golden files are read", breaches: goldenFilesAreRead,
		breaking: []planted{
			{"no test in internal/totp names it", map[string]string{
				"internal/totp/testdata/rule.golden": "x", "internal/totp/totp_test.go": "package totp"}},
			{"belongs into the testdata folder", file("internal/totp/rule.golden", "x")},
		},
		keeping: []map[string]string{
			{"internal/totp/testdata/rule.golden": "x", "internal/totp/totp_test.go": `package totp; const golden = "rule.golden"`},
			{"internal/totp/testdata/rule.golden": "x", "internal/totp/totp_test.go": `package totp; var golden = name("rule") + ".golden"`},
		},
	},
	{
		name: "every route is on the map", breaches: everyRouteIsOnTheMap,
		breaking: []planted{
			{"is not in internal/web/testdata/routes.golden", file("internal/totp/pages.go", `package totp; const p = "GET /setup/totp"`)},
		},
		keeping: []map[string]string{{
			"internal/totp/pages.go": `package totp; const p = "GET /setup/totp"`,
			routeMap:                 "GET /setup/totp   set-up\n",
		}},
	},
	{
		name: "views hide nothing of the frame", breaches: viewsHideNothingOfTheFrame,
		breaking: []planted{
			{"Title of internal/totp.view hides", framed("totp", "type view struct { page.View; Title int }")},
			{"Places of internal/totp.view hides", framed("totp", "type view struct { page.View }; func (v view) Places() int { return 0 }")},
			{"Places of internal/totp.view hides", framed("totp", "type view struct { *page.View }; func (v *view) Places() int { return 0 }")},
			{"Title of internal/totp.outer hides", framed("totp", "type outer struct { inner; Title int }; type inner struct { page.View }")},
			{"Title of internal/totp.view hides", framed("totp", "type view struct { page.View; more }; type more struct { Title int }")},
			{"Title of internal/totp.view hides", framed("totp", "type view struct { page.View; Title }; type Title struct{}")},
			{"Title of internal/totp.view hides", framed("totp", "func show() { type view struct { page.View; Title int } }")},
		},
		keeping: []map[string]string{
			framed("totp", "type view struct { page.View; Name string; query int }; type row struct { Title string }; func (r row) Places() int { return 0 }"),
			framed("totp", "type view struct { page.View; Rows []row; More row }; type row struct { Title string }"),
		},
	},
}
