// Package guide is the room of the guides: numbered steps for Portal Admins, for
// General Users, for installing an authenticator app and for creating a ticket,
// filled from the rollout that is announced and from the words on the buttons they
// speak of.
//
// Routes: /guide/portal-admin, /guide/general-user, /guide/apps, /guide/tickets,
// /guide/pictures/{name}; all without signing in, also in a window. No tables.
//
// pictures/ holds pictures of the real pages in both languages, made by
// NIDAN_GUIDE_PICTURES=internal/guide/pictures go test ./internal/browsertest -run GuidePictures
package guide
