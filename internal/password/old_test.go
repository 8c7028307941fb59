package password

import (
	"errors"
	"strings"
	"testing"
)

const oldPassword = "correct horse 7"

// Made by crypt(3), OpenSSL and Python's hashlib over oldPassword, by the description of each format.
var oldHashes = []struct{ format, stored string }{
	{"bcrypt", "$2b$05$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCEK"},
	{"bcrypt", "$2a$04$abcdefghijklmnopqrstuuHB9CAjWTI9qhpNQhLlMu4TxZtE03Cwa"},
	{"bcrypt", "$2y$04$abcdefghijklmnopqrstuuHB9CAjWTI9qhpNQhLlMu4TxZtE03Cwa"},
	{"sha512-crypt", "$6$rounds=2000$saltstring$feM08HUtOLnj5tyslyZffNq...7PxSVBIH6GpwU.Bj2yy5waebBbrWWQ8KncqCI9gbg6gUzg0U.vqbGv9vY6g0"},
	{"sha512-crypt", "$6$saltsalt$1gj5rG56/i7zKrbWjjmhg//qL1N0uaf0ETIQ92msipYL9f/fZEQeu9.ep3rOQ/dr.l1jGhuG5yewUOzDDUTs81"},
	{"sha256-crypt", "$5$rounds=1500$saltstring$8wXw.f2ImyWDUau8icaQ9TSFM.AKZvn3C2BpiFsq/T."},
	{"sha256-crypt", "$5$saltsalt$Ra5tyCwDpgaJ5TMqdTeLbXfQwaKYnVkHIlWAQwKpeb7"},
	{"md5-crypt", "$1$saltsalt$zt50JIqGuZMgD3BtTHhZr1"},
	{"pbkdf2-sha1", "$pbkdf2$1200$AQIDBAUGBwgJCgsMDQ4PEA$A5ZapHcCnj8NCxXU6K3Lqy2vd/Q"},
	{"pbkdf2-sha1", "$pbkdf2-sha1$1200$AQIDBAUGBwgJCgsMDQ4PEA$A5ZapHcCnj8NCxXU6K3Lqy2vd/Q"},
	{"pbkdf2-sha256", "$pbkdf2-sha256$1200$AQIDBAUGBwgJCgsMDQ4PEA$o4/9y63X/O9jlyhuDIOMkfchRQOe2pwOfnjw6uTwqJU"},
	{"pbkdf2-sha512", "$pbkdf2-sha512$1200$AQIDBAUGBwgJCgsMDQ4PEA$DNfXcLUHVllmL2foPQBWWqemX7I7D2EWa3cmElxPErndSzASHOdhiCbh5LFb/yCyXPLR.q9codc31qbHVLvY6A"},
	{"scrypt", "$scrypt$ln=10,r=8,p=1$AQIDBAUGBwgJCgsMDQ4PEA$RSF6X5tYYdOXkUIr++MUnxvSI5Hsfpsl+ESakyFEk7s"},
	{"ldap-md5", "{MD5}2O1tcdKcBk9miKDQ/8q6sw=="},
	{"ldap-smd5", "{SMD5}bDFFk4ZWE9BttzOmyxYRY8jJysvMzc7P"},
	{"ldap-sha", "{SHA}4DMkbUWC5+z+kdxI7HpWtce8VNQ="},
	{"ldap-ssha", "{SSHA}pwuFmPP0iPT9+fTgsnkIo04GnMTIycrLzM3Ozw=="},
	{"ldap-ssha", "{ssha}pwuFmPP0iPT9+fTgsnkIo04GnMTIycrLzM3Ozw"},
	{"ldap-sha256", "{SHA256}PCR3Dbg2+VXlhMaieERYdiMI/4rYtnI/14KaPyA+/nY="},
	{"ldap-ssha256", "{SSHA256}raUeFfQnZOC35i/Du/2fdE6ss2ImHCoLGcvvm7fmpPfIycrLzM3Ozw=="},
	{"ldap-sha384", "{SHA384}HqWlngFIFq6eMsHqnMhRtxA+/yJYjMLFohQG9+C1jIoH4fjGpMYE9xQFACbXishw"},
	{"ldap-ssha384", "{SSHA384}1LAYAfDxNQMTiYZMiAe4LkcPTNiuQiRqMuVJLOltch7KOrKIMqzizjBRaWti6ofEyMnKy8zNzs8="},
	{"ldap-sha512", "{SHA512}cGtdm7g8dd9tFazxYHcCN4BRMiqgO3sVi1nN8U0B9tzmk/BwYJx8DoSI2oyPs19+tI+PWLdvM3ZeXzlnBuWRIA=="},
	{"ldap-ssha512", "{SSHA512}lUWXL/lWB2I1uSQjZNpwo7H0k48/IpuZPd6dGMXcBJM8nMWxVCqsHVbVWbW6cZms4VrK5LYKhWOjo+Kj5tgiccjJysvMzc7P"},
	{"md5-crypt", "{CRYPT}$1$saltsalt$zt50JIqGuZMgD3BtTHhZr1"},
	{"bcrypt", "{crypt}$2b$05$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCEK"},
	{"pbkdf2-sha1", "{PBKDF2}1200$AQIDBAUGBwgJCgsMDQ4PEA$A5ZapHcCnj8NCxXU6K3Lqy2vd/Q"},
	{"pbkdf2-sha1", "{PBKDF2-SHA1}1200$AQIDBAUGBwgJCgsMDQ4PEA$A5ZapHcCnj8NCxXU6K3Lqy2vd/Q"},
	{"pbkdf2-sha256", "{PBKDF2-SHA256}1200$AQIDBAUGBwgJCgsMDQ4PEA$o4/9y63X/O9jlyhuDIOMkfchRQOe2pwOfnjw6uTwqJU"},
	{"pbkdf2-sha512", "{PBKDF2-SHA512}1200$AQIDBAUGBwgJCgsMDQ4PEA$DNfXcLUHVllmL2foPQBWWqemX7I7D2EWa3cmElxPErndSzASHOdhiCbh5LFb/yCyXPLR.q9codc31qbHVLvY6A"},
	{"django-pbkdf2-sha256", "pbkdf2_sha256$1200$seasalt$Lmc0g3sgzOnWBfNiFoofWwd7vesoicXp5KkiQF1oayk="},
	{"django-pbkdf2-sha1", "pbkdf2_sha1$1200$seasalt$FO3K/6noYjV/ecO55mfiteCaq7o="},
	{"django-bcrypt", "bcrypt$$2b$04$abcdefghijklmnopqrstuuHB9CAjWTI9qhpNQhLlMu4TxZtE03Cwa"},
	{"django-bcrypt-sha256", "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuurQ3V7qnTQ4PhCgN7LXqxt0esLa38s8a"},
	{"django-scrypt", "scrypt$1024$NaClNaCl$8$5$ZJcXvkamTdojhlMxyO1RZfInZ3dT4rJCz0NLCFZI3G4gwNQU2Xnx3nYrfyR6pqk+B9rRbIKdWIzigH+/XMDEWQ=="},
	{"django-md5", "md5$seasalt$d625e5fd57517748e62938e873f3ee99"},
	{"django-md5", "md5$$d8ed6d71d29c064f6688a0d0ffcabab3"},
	{"django-sha1", "sha1$seasalt$1cd569c8a7745cbe8b181b81523104c82a2c34f2"},
}

func TestEveryOldFormatIsVerifiedAndRehashed(t *testing.T) {
	p := quickPool(t, 2)
	for _, old := range oldHashes {
		format, err := Known(old.stored)
		if err != nil || format != old.format {
			t.Errorf("%s: known as %q, %v", old.stored, format, err)
			continue
		}
		match, err := p.Verify(t.Context(), old.stored, oldPassword)
		if err != nil || !match.Right {
			t.Errorf("%s: right password: %+v, %v", old.stored, match, err)
			continue
		}
		again, err := p.Verify(t.Context(), match.Rehash, oldPassword)
		if err != nil || again != (Match{Right: true}) {
			t.Errorf("%s: rehash: %+v, %v", old.stored, again, err)
		}
		for _, wrong := range []string{"", "correct horse 8", oldPassword + "\x00", oldPassword[:14]} {
			if match, err := p.Verify(t.Context(), old.stored, wrong); err != nil || match != (Match{}) {
				t.Errorf("%s: wrong password %q: %+v, %v", old.stored, wrong, match, err)
			}
		}
	}
}

// Vectors of the test suites of the formats' own authors.
func TestPublishedVectorsHold(t *testing.T) {
	p := quickPool(t, 2)
	for _, vector := range []struct{ stored, password string }{
		{"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
		{"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
		{"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
		{"argon2$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
		{"{ARGON2}$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
		{"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!"},
		{"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1", "Hello world!"},
		{"pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=", "lètmein"},
		{"md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3", "lètmein"},
		{"sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8", "lètmein"},
		{"sha1$$6d138ca3ae545631b3abd71a4f076ce759c5700b", "lètmein"},
	} {
		if match, err := p.Verify(t.Context(), vector.stored, vector.password); err != nil || !match.Right {
			t.Errorf("%s: %+v, %v", vector.stored, match, err)
		}
	}
}

func TestImportedHashesAreComparedOverTheBytesAsTyped(t *testing.T) {
	p := quickPool(t, 1)
	const stored = "{SSHA}QaiL5qq54gZCCgMQ5/zQTafutYDIycrLzM3Ozw==" // over base letters and marks apart
	apart, together := "pa\u0302sswo\u0308rter", "p\u00e2ssw\u00f6rter"
	match, err := p.Verify(t.Context(), stored, apart)
	if err != nil || !match.Right {
		t.Fatalf("as it was typed when it was hashed: %+v, %v", match, err)
	}
	if other, _ := p.Verify(t.Context(), stored, together); other.Right {
		t.Error("the imported hash knows one spelling only")
	}
	for _, typed := range []string{apart, together} {
		if again, err := p.Verify(t.Context(), match.Rehash, typed); err != nil || !again.Right {
			t.Errorf("the rehash does not know %q: %v", typed, err)
		}
	}
}

const (
	salt16 = "AQIDBAUGBwgJCgsMDQ4PEA"
	key32  = "o4/9y63X/O9jlyhuDIOMkfchRQOe2pwOfnjw6uTwqJU"
)

// Were one of these run, it would take minutes or gigabytes, or accept what it should not.
var absurd = []string{
	"$argon2id$v=19$m=262145,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=4294967296,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=65536,t=11,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=65536,t=1,p=17$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=65536,t=1,p=257$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=65536,t=0,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=65536,t=1,p=0$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=0,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=63,t=1,p=8$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=-64,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=+64,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=064,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$t=1,m=64,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=64,t=1,p=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=64,t=1,p=1,keyid=AA$" + salt16 + "$" + key32,
	"$argon2id$v=16$m=64,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$m=64,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2i$v=19$m=64,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=64,t=1,p=1$AQIDBAUGBw$" + key32,
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$AQIDBAUGBw",
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$",
	"$argon2id$v=19$m=64,t=1,p=1$$" + key32,
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$" + key32 + "=",
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$" + key32 + "\n",
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$" + key32 + "$",
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$" + strings.Repeat("A", 400),
	"argon2$argon2id$v=19$m=9999999,t=1,p=1$" + salt16 + "$" + key32,
	"{ARGON2}$argon2id$v=19$m=9999999,t=1,p=1$" + salt16 + "$" + key32,
	"$2b$16$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCEK",
	"$2b$31$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCEK",
	"$2b$03$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCEK",
	"$2b$00$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCEK",
	"$2b$5$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCEK",
	"$2x$05$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCEK",
	"$2b$05$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCE",
	"$2b$05$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUC=K",
	"bcrypt$$2b$31$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCEK",
	"bcrypt_sha256$$2b$31$abcdefghijklmnopqrstuuwwkBlZlfmrLDUgdmFAh1rCXRN1AUCEK",
	"bcrypt_sha256$$1$saltsalt$zt50JIqGuZMgD3BtTHhZr1",
	"$6$rounds=1000001$saltstring$" + strings.Repeat("a", 86),
	"$6$rounds=999999999$saltstring$" + strings.Repeat("a", 86),
	"$6$rounds=999$saltstring$" + strings.Repeat("a", 86),
	"$6$rounds=$saltstring$" + strings.Repeat("a", 86),
	"$6$saltstringsaltstring$" + strings.Repeat("a", 86),
	"$6$$" + strings.Repeat("a", 86),
	"$6$saltstring$" + strings.Repeat("a", 85),
	"$6$saltstring$",
	"$5$rounds=1000001$saltstring$" + strings.Repeat("a", 43),
	"$5$saltstring$" + strings.Repeat("a", 86),
	"$1$saltsaltsalt$zt50JIqGuZMgD3BtTHhZr1",
	"$1$saltsalt$",
	"$apr1$saltsalt$zKZoUgx1VFOWKNV3Ay05/1",
	"$pbkdf2-sha256$10000001$" + salt16 + "$" + key32,
	"$pbkdf2-sha256$2147483648$" + salt16 + "$" + key32,
	"$pbkdf2-sha256$0$" + salt16 + "$" + key32,
	"$pbkdf2-sha256$-1$" + salt16 + "$" + key32,
	"$pbkdf2-sha256$1200$$" + key32,
	"$pbkdf2-sha256$1200$" + salt16 + "$AQ",
	"$pbkdf2-sha256$1200$" + salt16 + "$" + strings.Repeat("A", 300),
	"{PBKDF2-SHA256}10000001$" + salt16 + "$" + key32,
	"pbkdf2_sha256$10000001$seasalt$Lmc0g3sgzOnWBfNiFoofWwd7vesoicXp5KkiQF1oayk=",
	"pbkdf2_sha256$1200$$Lmc0g3sgzOnWBfNiFoofWwd7vesoicXp5KkiQF1oayk=",
	"pbkdf2_sha256$1200$seasalt$Lmc0g3sg",
	"$scrypt$ln=19,r=8,p=1$" + salt16 + "$" + key32,
	"$scrypt$ln=62,r=8,p=1$" + salt16 + "$" + key32,
	"$scrypt$ln=16,r=1048576,p=1$" + salt16 + "$" + key32,
	"$scrypt$ln=18,r=8,p=16$" + salt16 + "$" + key32,
	"$scrypt$ln=10,r=8,p=1000000$" + salt16 + "$" + key32,
	"$scrypt$ln=0,r=8,p=1$" + salt16 + "$" + key32,
	"$scrypt$ln=10,r=0,p=1$" + salt16 + "$" + key32,
	"$scrypt$ln=10,r=8,p=1$" + salt16 + "$AQ",
	"scrypt$1048576$NaClNaCl$8$5$ZJcXvkamTdojhlMxyO1RZfInZ3dT4rJCz0NLCFZI3G4=",
	"scrypt$1000$NaClNaCl$8$1$ZJcXvkamTdojhlMxyO1RZfInZ3dT4rJCz0NLCFZI3G4=",
	"scrypt$1$NaClNaCl$8$1$ZJcXvkamTdojhlMxyO1RZfInZ3dT4rJCz0NLCFZI3G4=",
	"{SSHA}",
	"{SSHA}4DMkbUWC5+z+kdxI7HpWtce8VNQ=",
	"{SHA}pwuFmPP0iPT9+fTgsnkIo04GnMTIycrLzM3Ozw==",
	"{SHA}AAAA",
	"{SSHA}!!!!",
	"{SSHA",
	"{CRYPT}ab1Hv2Lg7ltQo",
	"{CRYPT}{SSHA}pwuFmPP0iPT9+fTgsnkIo04GnMTIycrLzM3Ozw==",
	"{CLEARTEXT}" + oldPassword,
	"md5$seasalt$",
	"md5$seasalt$d625",
	"sha1$1cd569c8a7745cbe8b181b81523104c82a2c34f2",
	"!w3m8Yc0aQ",
	"*",
	"x",
	"$",
	"$$$$$",
	oldPassword,
	strings.Repeat("$", 1<<20),
}

func TestAbsurdStoredValuesAreRefusedWithoutRunningThem(t *testing.T) {
	p := quickPool(t, 2)
	for _, stored := range absurd {
		if format, err := Known(stored); !errors.Is(err, ErrUnreadable) || format != "" {
			t.Errorf("%.90s: known as %q, %v", stored, format, err)
		}
		before := p.Hashes()
		match, err := p.Verify(t.Context(), stored, oldPassword)
		if !errors.Is(err, ErrUnreadable) || match != (Match{}) {
			t.Errorf("%.90s: %+v, %v", stored, match, err)
		}
		if err != nil && len(stored) > 20 && strings.Contains(err.Error(), stored[12:20]) {
			t.Errorf("the error shows the stored value: %v", err)
		}
		if ran := p.Hashes() - before; ran != 1 {
			t.Errorf("%.90s: %d Argon2 runs, want 1 burnt", stored, ran)
		}
	}
}

func FuzzKnownNeverAcceptsWhatCannotBeRun(f *testing.F) {
	for _, old := range oldHashes {
		f.Add(old.stored)
	}
	for _, stored := range absurd[:30] {
		f.Add(stored)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		r, err := read(stored)
		if err != nil {
			if !errors.Is(err, ErrUnreadable) {
				t.Errorf("%v", err)
			}
			return
		}
		if r.format == "" || (r.argon == nil) == (r.match == nil) || r.memory > mostScryptMemory {
			t.Errorf("%q read as %+v", stored, r)
		}
		if r.argon != nil && r.format == "argon2id" && !r.foreign && r.argon.String() != stored {
			t.Errorf("%q is written again as %q", stored, r.argon)
		}
		if !r.lasting && r.argon == nil && r.match("no such password") {
			t.Errorf("%q accepts anything", stored)
		}
	})
}
