// Package registry is the operators' register of organizations (組織台帳): they are
// found, added with their first Portal Admin, renamed, suspended and opened again,
// and whoever leads one and cannot get in is helped from here.
//
// Routes: /operator/organizations and below. It has no tables of its own: it reads
// those of organizations and their Portal Admins, and acts through organization,
// account and pass. It never sets a method and never sees a password, a code or a
// link: those go by mail to whom they are for. What it counts of people are the
// sums that progress keeps.
package registry
