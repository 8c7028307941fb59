package house

import (
	"slices"
	"strings"
	"testing"
)

// rule is one rule of the house, with trees that break it and trees that only
// look as if they did.
type rule struct {
	name     string
	breaches func(*tree) []string
	breaking []planted
	keeping  []map[string]string
}

// planted is a tree that breaks a rule, and a part of what must be said of it.
type planted struct {
	said  string
	files map[string]string
}

func TestTheHouseKeepsItsRules(t *testing.T) {
	house := repository(t)
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			breaches := rule.breaches(house)
			slices.Sort(breaches)
			for _, breach := range breaches {
				t.Error(breach)
			}
		})
	}
}

func TestEachRuleSeesItsBreach(t *testing.T) {
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, planted := range rule.breaking {
				breaches := rule.breaches(plant(t, planted.files))
				if len(breaches) != 1 || !strings.Contains(breaches[0], planted.said) {
					t.Errorf("want one breach that says %q, got %q", planted.said, breaches)
				}
			}
			for _, files := range rule.keeping {
				if breaches := rule.breaches(plant(t, files)); len(breaches) > 0 {
					t.Errorf("nothing is wrong in %v, got %q", files, breaches)
				}
			}
		})
	}
}

func TestAnAllowanceIsUsedOrGoes(t *testing.T) {
	files := asks("account", "`select id from account where id = $1`")
	allowed := map[string]string{"account.Planted": "needed", "account.Gone": "not needed"}
	if breaches := crossings(plant(t, files), allowed); len(breaches) > 0 {
		t.Errorf("account.Planted is allowed, got %q", breaches)
	}
	breaches := leftOver(plant(t, files), allowed)
	if len(breaches) != 1 || !strings.Contains(breaches[0], "account.Gone") {
		t.Errorf("account.Gone is allowed for nothing, got %q", breaches)
	}
}

// The rules on SQL see nothing when they cannot read the schema.
func TestTheMigrationsAreRead(t *testing.T) {
	tables := schema(repository(t))
	if account := tables["account"]; !account.ofOrganization || !slices.Contains(account.owners, "account") {
		t.Errorf("the table account was read as %+v", account)
	}
	if organization := tables["organization"]; organization.ofOrganization || len(organization.owners) == 0 {
		t.Errorf("the table organization was read as %+v", organization)
	}
}
