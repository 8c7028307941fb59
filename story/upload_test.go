package story

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// upload: upload PATH FILE field=value…: a file of docs/; where it leads to is @kept.
func upload(s *stage, args []string) error {
	content, err := os.ReadFile(filepath.Join("..", "docs", args[1]))
	if err != nil {
		return err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", args[1])
	if err == nil {
		_, err = part.Write(content)
	}
	for _, arg := range args[2:] {
		key, value, _ := strings.Cut(arg, "=")
		err = errors.Join(err, form.WriteField(key, value))
	}
	if err = errors.Join(err, form.Close()); err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPost, origin(s.server).ResolveReference(must(args[0])).String(), &body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Origin", s.server.URL)
	err = s.do(r)
	s.kept = s.location
	return err
}
