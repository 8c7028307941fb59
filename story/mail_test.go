package story

import (
	"context"
	"net"
	"strings"

	"github.com/emersion/go-smtp"
)

// bring: bring FROM TO [HEADER…] TEXT: a mail as the mail server hands it over. A FROM
// of <> is a mail without a sender, TO may be a value.
func bring(s *stage, args []string) error {
	to, err := s.value(args[1])
	if err != nil {
		return err
	}
	from, text := strings.Trim(args[0], "<>"), args[len(args)-1]
	lines := make([]string, 0, len(args))
	for _, header := range args[2 : len(args)-1] {
		if at := strings.Index(header, "<@"); at >= 0 { // a value within a header: <@letter:EMAIL>
			id, err := s.value(strings.TrimSuffix(header[at+1:], ">"))
			if err != nil {
				return err
			}
			header = header[:at] + "<" + id + ">"
		}
		lines = append(lines, header)
	}
	content := "From: " + or(from, "MAILER-DAEMON@mx.example") + "\r\nTo: " + to + "\r\n" + strings.Join(append(lines, "", text, ""), "\r\n")
	conn, err := net.Dial("tcp", s.lmtp.Addr().String())
	if err != nil {
		return err
	}
	client := smtp.NewClientLMTP(conn)
	defer client.Close()
	if err := client.SendMail(from, []string{to}, strings.NewReader(content)); err != nil {
		return err
	}
	return s.portal.Post.Drain(context.Background())
}
