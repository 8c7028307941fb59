// Package web is the server: it builds the rooms in order, puts the gate before
// every route, and says the headers that every answer carries.
//
// Routes of its own: GET /healthz, GET /readyz; GET /metrics on its own listener.
package web
