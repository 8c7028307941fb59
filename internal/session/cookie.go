package session

import (
	"net/http"

	"nidan/internal/page"
)

// cookieName has the __Host- prefix wherever the portal is served over https; a
// browser takes such a cookie only with Secure, for one host, for the whole of it.
func cookieName(site *page.Site) string {
	if site.Secure {
		return "__Host-nidan"
	}
	return "nidan"
}

// Token is the session cookie's value, or empty. Two such cookies are none.
func Token(r *http.Request, site *page.Site) string {
	if cookies := r.CookiesNamed(cookieName(site)); len(cookies) == 1 && len(cookies[0].Value) <= 64 {
		return cookies[0].Value
	}
	return ""
}

// Give hands a browser the value of its session.
func Give(w http.ResponseWriter, site *page.Site, token string) {
	site.SetCookie(w, cookieName(site), token, Absolute)
}

// Take makes a browser forget its session.
func Take(w http.ResponseWriter, site *page.Site) { site.SetCookie(w, cookieName(site), "", -1) }
