// Package signin is the one rule and the pages of the sign-in: address and
// password, the code, a fresh code, the ways back.
//
// Routes: /signin, /signin/code, /signout, /confirm, /operator/signin. Tables:
// none of its own. The gate that stands before every route of the portal is here
// too, since it does nothing but ask the rule.
package signin
