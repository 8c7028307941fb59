// Package home is the dashboard: what needs this person first, then the rest.
//
// Routes: GET /{$}. Tables: none.
package home
