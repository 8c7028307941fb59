package config

import (
	"log/slog"
	"net/mail"
	"net/url"
	"strings"
	"time"
)

// Config is every setting. In the YAML file a setting is called by its
// environment name in lower case without the prefix: base_url.
//
// A field without the tag empty must have a value; with it, the tag says what an
// empty one means.
type Config struct {
	Name string `env:"NIDAN_NAME" default:"Business Portal" doc:"What the portal is called on its pages, in its mails and in authenticator apps."`

	Listen        Address       `env:"NIDAN_LISTEN" default:"127.0.0.1:8080" doc:"Host and port on which the portal is served, as plain HTTP; a proxy in front of it speaks TLS."`
	BaseURL       *url.URL      `env:"NIDAN_BASE_URL" empty:"made from NIDAN_LISTEN, for use on this machine" doc:"Where people reach the portal, such as https://portal.example.com; every link in a mail begins with it."`
	MetricsListen Address       `env:"NIDAN_METRICS_LISTEN" default:"127.0.0.1:9464" empty:"no metrics" doc:"Host and port on which metrics are served."`
	Drain         time.Duration `env:"NIDAN_DRAIN" default:"0s" doc:"How long a node that was told to stop goes on as before while /readyz answers 503, so that what sends people to nodes sends them elsewhere; longer than it takes to ask /readyz twice. At most 1m."`
	Log           Level         `env:"NIDAN_LOG" default:"info" doc:"The least important kind of line that is logged: debug, info, warn or error."`

	Traces *url.URL `env:"NIDAN_TRACES" empty:"none are sent" doc:"Where traces are sent, by OpenTelemetry's OTLP over HTTP (as JSON), such as http://127.0.0.1:4318; they name routes and statements, never a person or a value."`

	Database   string     `env:"NIDAN_DATABASE" default:"nidan.db" secret:"true" doc:"The database: a file path (SQLite), or postgres://user:password@host/name, where several hosts may be named."`
	KeyFile    string     `env:"NIDAN_KEY_FILE" default:"nidan.key" doc:"The file with the key that seals secrets in the database; without it the database is of no use, so keep a copy apart from it."`
	HashMemory HashMemory `env:"NIDAN_HASH_MEMORY" default:"standard" doc:"What hashing one password takes: standard (46 MiB) or small (19 MiB, for a machine with little memory)."`

	BackupRecipients Recipients `env:"NIDAN_BACKUP_RECIPIENTS" empty:"the portal's own key file" doc:"The public parts of age keys (age1…), separated by commas, that backups are encrypted to; only their secret parts, kept elsewhere, open them."`

	SMTP     *url.URL      `env:"NIDAN_SMTP" default:"smtp://127.0.0.1:25" secret:"true" doc:"The server that takes mail: smtp://host:port or smtps://host:port, with user:password@ where it asks for them."`
	MailFrom *mail.Address `env:"NIDAN_MAIL_FROM" empty:"nidan@localhost, for use on this machine" doc:"The sender of every mail, such as Business Portal <portal@example.com>."`
	MailPace int           `env:"NIDAN_MAIL_PACE" default:"50" doc:"How many letters of mailings, such as reminders, one node sends a second; 0 sends as fast as the server takes them. Codes and notices never wait for it."`

	LMTP    Socket        `env:"NIDAN_LMTP" empty:"no mail is read" doc:"Where the mail server on this machine hands over bounces and mail to NIDAN_CONTACT (LMTP): the path of a socket, such as /run/nidan/lmtp.sock, or a loopback host and port."`
	Bounces *mail.Address `env:"NIDAN_BOUNCES" empty:"bounce at the domain of NIDAN_MAIL_FROM" doc:"The address whose plus-addresses, such as bounce+id@example.com, lead to NIDAN_LMTP; with NIDAN_LMTP set, every mail names one as its envelope sender."`

	Contact   string         `env:"NIDAN_CONTACT" empty:"the address of NIDAN_MAIL_FROM" doc:"The help desk's mail address, shown to people who cannot sign in. With NIDAN_LMTP set, mail to it becomes tickets, and answers to its plus-addresses comments; for these the part before the @ has at most 11 characters."`
	Hours     Hours          `env:"NIDAN_HOURS" default:"09:00-17:30" empty:"none are named" doc:"The help desk's business hours in the house zone, Monday to Friday; other days stand before them, such as Mon-Sat 09:00-17:30."`
	HouseZone *time.Location `env:"NIDAN_HOUSE_ZONE" default:"Asia/Tokyo" doc:"The time zone of the company that runs the portal; its dates are this zone's days."`

	TrustedProxies TrustedProxies `env:"NIDAN_TRUSTED_PROXIES" empty:"nobody" doc:"Addresses or networks of the proxies whose X-Forwarded-For is believed, separated by commas."`
}

// longestDrain is how long a stop may take on purpose.
const longestDrain = time.Minute

// HashMemory is how much memory hashing a password takes.
type HashMemory string

// The settings of password hashing.
const (
	HashStandard HashMemory = "standard"
	HashSmall    HashMemory = "small"
)

// Level is a slog level that is written in small letters.
type Level struct{ slog.Level }

// Secure says whether people reach the portal over https, so that cookies are
// bound to it.
func (c Config) Secure() bool { return c.BaseURL.Scheme == "https" }

// complete fills in what follows from other settings and checks what only holds
// for several together. bad says whether a setting is at fault already, since
// nothing follows from that.
func (c *Config) complete(bad func(env string) bool) (faults []Fault) {
	if c.BaseURL == nil && !bad("NIDAN_BASE_URL") && !bad("NIDAN_LISTEN") {
		if c.BaseURL = c.Listen.local(); c.BaseURL == nil {
			faults = append(faults, Fault{"NIDAN_BASE_URL", "not set",
				"must be set when NIDAN_LISTEN is not this machine's own address: https:// and the name people use"})
		}
	}
	local := c.BaseURL != nil && loopback(c.BaseURL.Hostname())
	if c.MailFrom == nil && !bad("NIDAN_MAIL_FROM") {
		switch {
		case local:
			c.MailFrom = &mail.Address{Address: "nidan@localhost"}
		case c.BaseURL != nil:
			faults = append(faults, Fault{"NIDAN_MAIL_FROM", "not set", "must be set: " + rightMail})
		}
	}
	if c.Bounces == nil && c.MailFrom != nil && !bad("NIDAN_BOUNCES") {
		_, domain, _ := strings.Cut(c.MailFrom.Address, "@")
		c.Bounces = &mail.Address{Address: "bounce@" + domain}
	}
	if c.Contact == "" && c.MailFrom != nil && !bad("NIDAN_CONTACT") {
		c.Contact = c.MailFrom.Address
	}
	return faults
}
