// Package mailotp is the second verification by a code mailed to the registered address.
//
// Tables: mailotp (a row is a method that was proved), mail_code. It never decides
// whether a code may be tried: package verification does, for both methods.
package mailotp
