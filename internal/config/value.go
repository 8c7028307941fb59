package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones must not depend on the machine
	"unicode"
)

// What is right, as faults say it.
const (
	rightAddress = "must be host:port, such as 127.0.0.1:8080"
	rightMail    = "one mail address, such as Business Portal <portal@example.com>"
	rightHours   = "must be two times of one day, such as 09:00-17:30 or Mon-Sat 09:00-17:30"
	rightProxies = "must be addresses or networks separated by commas, such as 10.0.0.7, 192.168.0.0/16"
	rightZone    = "must be the name of a time zone, such as Asia/Tokyo"
)

// set reads text into a field of Config, given by its pointer. The error says
// what is right and never repeats the text, which may be a secret.
func set(field any, text string) (err error) {
	switch field := field.(type) {
	case *string:
		*field = text
	case *HashMemory:
		*field = HashMemory(text)
		if *field != HashStandard && *field != HashSmall {
			err = fmt.Errorf("must be %s or %s", HashStandard, HashSmall)
		}
	case *Level:
		*field, err = parseLevel(text)
	case *int:
		if *field, err = strconv.Atoi(text); err != nil || *field < 0 || *field > mostPace {
			err = fmt.Errorf("must be a whole number from 0 to %d", mostPace)
		}
	case *time.Duration:
		if *field, err = time.ParseDuration(text); err != nil || *field < 0 || *field > longestDrain {
			err = fmt.Errorf("must be a time from 0s to %s, such as 5s", longestDrain)
		}
	case *Socket:
		*field, err = parseSocket(text)
	case *Address:
		*field, err = parseAddress(text)
	case *Hours:
		*field, err = parseHours(text)
	case *Recipients:
		*field, err = parseRecipients(text)
	case *TrustedProxies:
		*field, err = parseProxies(text)
	case **time.Location:
		*field, err = parseZone(text)
	case **mail.Address:
		*field, err = parseMail(text)
	case **url.URL:
		*field, err = parseURL(text)
	default:
		panic(fmt.Sprintf("config: no way to read a %T", field))
	}
	return err
}

// checks are the rules of single settings beyond what their type says.
var checks = map[string]func(c *Config) error{
	"NIDAN_NAME": func(c *Config) error {
		if strings.ContainsFunc(c.Name, unicode.IsControl) || len([]rune(c.Name)) > 64 {
			return errors.New("must be at most 64 characters on one line")
		}
		return nil
	},
	"NIDAN_DATABASE": func(c *Config) error {
		scheme, _, isURL := strings.Cut(c.Database, "://")
		if isURL && scheme != "postgres" && scheme != "postgresql" {
			return errors.New("must be a file path or postgres://user:password@host/name")
		}
		return nil
	},
	"NIDAN_CONTACT": func(c *Config) error {
		address, err := mail.ParseAddress(c.Contact)
		if err != nil || address.Address != c.Contact {
			return errors.New("must be one mail address without a name, such as help@example.com")
		}
		return nil
	},
	"NIDAN_BOUNCES": func(c *Config) error {
		local, _, _ := strings.Cut(c.Bounces.Address, "@")
		if c.Bounces.Name != "" || strings.Contains(local, "+") || len(local) > 23 {
			return errors.New("must be one mail address without a name, with at most 23 characters and no + before its @")
		}
		return nil
	},
	"NIDAN_BASE_URL": func(c *Config) error { return checkBase(c.BaseURL) },
	"NIDAN_TRACES":   func(c *Config) error { return checkCollector(c.Traces) },
	"NIDAN_SMTP":     func(c *Config) error { return checkSMTP(c.SMTP) },
}

// parseURL does not hand on what net/url says, since that repeats the text.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("must be an address of the form scheme://host:port")
	}
	return u, nil
}

// checkBase also strips the slash at the end, so that paths can be appended.
func checkBase(u *url.URL) error {
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.Host = strings.ToLower(u.Host)
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || !portOK(u.Port()):
		return errors.New("must be a web address, such as https://portal.example.com")
	case u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("must be scheme, host and port alone: the portal has a host to itself")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("must begin with https://: only on the machine itself is plain http allowed")
	}
	return nil
}

func checkCollector(u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || !portOK(u.Port()) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be http:// or https://, host and port, such as http://127.0.0.1:4318; /v1/traces is added")
	}
	return nil
}

func checkSMTP(u *url.URL) error {
	_, hasPassword := u.User.Password()
	switch {
	case u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || !portOK(u.Port()),
		u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("must be smtp://host:port or smtps://host:port, with user:password@ where needed")
	case u.User != nil && (u.User.Username() == "" || !hasPassword):
		return errors.New("must name both user and password, or neither")
	}
	return nil
}

// portOK accepts no port at all, too.
func portOK(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// Address is where to listen. The zero Address is nowhere.
type Address struct {
	Host string // empty: on every address of the machine
	Port uint16
}

// String is host:port, as net.Listen takes it; "" for the zero Address.
func (a Address) String() string {
	if a == (Address{}) {
		return ""
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}

// local is how a browser on this machine gets there; nil where it cannot.
func (a Address) local() *url.URL {
	host := a.Host
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	if !loopback(host) {
		return nil
	}
	return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.Itoa(int(a.Port)))}
}

func parseAddress(text string) (Address, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, " /\\@") {
		return Address{}, errors.New(rightAddress)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Address{}, errors.New(rightAddress + ", with a port up to 65535")
	}
	return Address{host, uint16(n)}, nil
}

// mostPace is as good as no bound.
const mostPace = 100_000

// Socket is where a program on this machine is let in without a password. The zero
// Socket is nowhere.
type Socket struct {
	Path string  // of a Unix socket, or
	At   Address // on the loopback network
}

// Network is "unix" or "tcp", as net.Listen takes it.
func (s Socket) Network() string {
	if s.Path != "" {
		return "unix"
	}
	return "tcp"
}

// String is the path or host:port, as net.Listen takes it; "" for the zero Socket.
func (s Socket) String() string {
	if s.Path != "" {
		return s.Path
	}
	return s.At.String()
}

// parseSocket refuses what others could reach over the network: there is no
// password.
func parseSocket(text string) (Socket, error) {
	if path := strings.TrimPrefix(text, "unix:"); strings.HasPrefix(path, "/") {
		if len(path) > 100 { // sun_path has 104 to 108 bytes
			return Socket{}, errors.New("must be a path of at most 100 bytes")
		}
		return Socket{Path: path}, nil
	}
	address, err := parseAddress(text)
	if err != nil || !loopback(address.Host) {
		return Socket{}, errors.New("must be the path of a socket, such as /run/nidan/lmtp.sock, or loopback host:port, such as 127.0.0.1:2424")
	}
	return Socket{At: address}, nil
}

// Hours are the business hours of a working day, as time since midnight in the
// house zone. Which days are holidays no setting knows.
type Hours struct {
	From, To time.Duration
	Days     Days
}

// Days are the working days of a week, a bit for each time.Weekday; none named
// (zero) are Monday to Friday.
type Days uint8

const mondayToFriday = Days(1<<time.Monday | 1<<time.Tuesday | 1<<time.Wednesday | 1<<time.Thursday | 1<<time.Friday)

// Has says whether a day of the week is a working day.
func (d Days) Has(day time.Weekday) bool {
	if d == 0 {
		d = mondayToFriday
	}
	return d&(1<<day) != 0
}

// String is 9:00–17:30, as people write it; "" where no hours are named.
func (h Hours) String() string {
	if h == (Hours{}) {
		return ""
	}
	clock := func(d time.Duration) string { return fmt.Sprintf("%d:%02d", int(d.Hours()), int(d.Minutes())%60) }
	return clock(h.From) + "–" + clock(h.To)
}

func parseHours(text string) (h Hours, err error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "–", "-"))
	if days, rest, named := strings.Cut(text, " "); named && days != "" && days[0] > '9' {
		if h.Days, err = parseDays(days); err != nil {
			return Hours{}, err
		}
		text = rest
	}
	from, to, _ := strings.Cut(text, "-")
	opens, err := time.Parse("15:04", strings.TrimSpace(from))
	if err != nil {
		return Hours{}, errors.New(rightHours)
	}
	closes, err := time.Parse("15:04", strings.TrimSpace(to))
	if err != nil || !opens.Before(closes) {
		return Hours{}, errors.New(rightHours)
	}
	midnight := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	h.From, h.To = opens.Sub(midnight), closes.Sub(midnight)
	return h, nil
}

// parseDays reads Mon-Fri, Sun-Thu, or Mon,Wed,Fri.
func parseDays(text string) (days Days, err error) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(part, "-")
		if !ranged {
			last = first
		}
		from, ok1 := weekday(first)
		to, ok2 := weekday(last)
		if !ok1 || !ok2 {
			return 0, errors.New(rightHours)
		}
		for day := from; ; day = (day + 1) % 7 {
			days |= 1 << day
			if day == to {
				break
			}
		}
	}
	return days, nil
}

func weekday(text string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(text, day.String()[:3]) {
			return day, true
		}
	}
	return 0, false
}

func parseLevel(text string) (level Level, err error) {
	for _, known := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(text, known.String()) {
			return Level{known}, nil
		}
	}
	return level, errors.New("must be debug, info, warn or error")
}

// parseZone refuses "Local", which means another zone on each machine.
func parseZone(text string) (*time.Location, error) {
	zone, err := time.LoadLocation(text)
	if err != nil || text == "Local" {
		return nil, errors.New(rightZone)
	}
	return zone, nil
}

func parseMail(text string) (*mail.Address, error) {
	address, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsFunc(address.Name+address.Address, unicode.IsControl) {
		return nil, errors.New("must be " + rightMail)
	}
	return address, nil
}
