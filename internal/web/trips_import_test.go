package web

import (
	"bytes"
	"context"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"nidan/internal/store/storetest"
)

const newcomers = `organization,email,name,phone,authority,method,mail_language,time_zone,password_hash
Minato,grace@minato.example,Grace Hill,+81 3 5550 1001,portal_admin,,en,Asia/Tokyo,{SSHA}tAYrA42ljwYsQrSykBqHai65KFcBAgMEBQYHCA==
Minato,nobody,Nobody,1,general_user,,en,Asia/Tokyo,
`

// upload sends a file, and answers where that leads to.
func (k *walker) upload(status int, files ...string) string {
	k.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, text := range files {
		part, err := form.CreateFormFile("file", "people.csv")
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		k.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, k.server.URL+"/operator/import", &body)
	if err != nil {
		k.t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	answer, err := k.client.Do(r)
	if err != nil {
		k.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	k.body = html.UnescapeString(string(text))
	if answer.StatusCode != status {
		k.t.Fatalf("an upload is answered %d, wanted %d: %s", answer.StatusCode, status, k.body)
	}
	return answer.Header.Get("Location")
}

// importing uploads a file and confirms its import.
func (k *walker) importing() {
	k.do("nothing so far", "GET", "/operator/import", 200)
	place := k.upload(303, newcomers)
	k.bounded("a small file", "POST", "/operator/import", writeTrips)
	if err := k.portal.Import(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	k.at("checked", place, "/operator/import/{id}")
	k.at("refused rows", place+"/report.csv", "/operator/import/{id}/report.csv")
	k.post("confirmed", place, "/operator/import/{id}", 303)
	if err := k.portal.Import(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	k.at("finished", place, "/operator/import/{id}")
	k.do("by organization", "GET", "/operator/import/old-hashes", 200)
	k.do("by organization", "GET", "/operator/import/old-hashes.csv", 200)
}

func TestAnUploadIsBoundedAndForOperatorsAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		rows := func() (n int) {
			k.t.Helper()
			if err := k.DB.QueryRow(t.Context(), `select (select count(*) from import_run where state <> 'checking') + (select count(*) from import_chunk)`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		k.upload(403, newcomers) // nobody is signed in
		k.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
		k.upload(403, newcomers) // half a sign-in
		k.do("", "POST", "/signin/code", 303, "code", k.code())
		k.upload(403, newcomers) // a Portal Admin
		k.do("", "GET", "/operator/import", 403)
		k.staff("olga@portal.example")
		k.browser()
		k.later(time.Minute)
		k.do("", "POST", "/operator/signin", 303, "email", "olga@portal.example", "password", typed)
		k.do("", "POST", "/signin/code", 303, "code", k.code())
		k.upload(422)                                         // no file
		k.upload(422, "")                                     // an empty one
		k.upload(422, newcomers, newcomers)                   // two of them
		k.upload(422, strings.Repeat("x", 600<<10))           // one line
		k.upload(422, newcomers+strings.Repeat("\n", 33<<20)) // too large: what came in is gone
		k.do("", "GET", "/operator/import/none", 404)
		k.do("", "POST", "/operator/import/none", 404)
		k.do("", "GET", "/operator/import/none/report.csv", 404)
		if n := rows(); n != 0 {
			t.Errorf("%d rows of refused uploads are left", n)
		}
		row := strings.Split(newcomers, "\n")[1]
		large := newcomers + strings.Repeat(row+"\n", 9_000)
		first := k.upload(303, large) // in several pieces
		if again := k.upload(303, large); again != first {
			t.Errorf("the same file again leads to %s, not to %s", again, first)
		}
		if err := k.portal.Import(t.Context()); err != nil {
			t.Fatal(err)
		}
		k.do("", "GET", first, 200)
		if !strings.Contains(k.body, "Add 1 person") {
			t.Errorf("%s", k.body)
		}
	})
}
