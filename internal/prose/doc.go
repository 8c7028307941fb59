// Package prose is text that people write for other people: Markdown in, harmless
// HTML out. It knows nothing of the portal.
//
// What comes out holds no script, no style, no picture and nothing that is loaded
// from anywhere; a link leads to http, https or mailto alone. Headings begin below
// those of a page. It keeps nothing.
package prose
