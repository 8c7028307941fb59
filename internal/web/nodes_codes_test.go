package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// post sends a form to a node.
func (n *servingNode) post(token, path string, form url.Values) int {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "nidan", Value: token})
	w := httptest.NewRecorder()
	n.handler.ServeHTTP(w, r)
	return w.Code
}

// begun are sign-ins of one person whose password was proved.
func (s *nodes) begun(p somebody, n int) (tokens []string) {
	s.t.Helper()
	s.write(func(ctx context.Context, tx *store.Tx) error {
		tokens = tokens[:0]
		for range n {
			token, _, err := session.Start(ctx, tx, p.Ref, "192.0.2.1", "a browser", "")
			if err != nil {
				return err
			}
			tokens = append(tokens, token)
		}
		return nil
	})
	return tokens
}

func TestOfOneCodeAtThreeNodesAtOnceOneIsAccepted(t *testing.T) {
	const rounds = 200
	onNodes(t, 3, func(s *nodes) {
		for i := range rounds {
			p := s.admin(false)
			tokens := s.begun(p, len(s.all))
			code := url.Values{"code": {totp.Code(s.key, totp.Step(s.Clock.Now()))}}
			var accepted atomic.Int64
			var all sync.WaitGroup
			for j, n := range s.all {
				all.Go(func() {
					switch status := n.post(tokens[j], "/signin/code", code); status {
					case 303:
						accepted.Add(1)
					case 422:
					default:
						s.t.Errorf("round %d, node %d: %d", i, j, status)
					}
				})
			}
			all.Wait()
			if accepted.Load() != 1 {
				s.t.Fatalf("round %d: accepted %d times", i, accepted.Load())
			}
		}
	})
}

// The fifth wrong code in a row is the last that is looked at for a while, however many
// come at once, in however many sessions, at whichever node.
func TestOfTwoHundredGuessesAtThreeNodesFiveAreEvaluated(t *testing.T) {
	const guesses = 200
	onNodes(t, 3, func(s *nodes) {
		p := s.admin(false)
		tokens := s.begun(p, guesses/session.WrongCodes)
		right := totp.Code(s.key, totp.Step(s.Clock.Now().Add(-time.Hour))) // of long ago
		var all sync.WaitGroup
		for i := range guesses {
			all.Go(func() {
				if status := s.all[i%len(s.all)].post(tokens[i%len(tokens)], "/signin/code", url.Values{"code": {right}}); status < 300 || status == 303 || status >= 500 {
					s.t.Errorf("guess %d: %d", i, status)
				}
			})
		}
		all.Wait()
		var evaluated int
		if err := s.DB.QueryRow(s.t.Context(), `select count(*) from second_step_failure where organization_id = $1 and holder_id = $2`, p.Organization, p.ID).Scan(&evaluated); err != nil {
			s.t.Fatal(err)
		}
		if evaluated != session.WrongCodes {
			s.t.Errorf("%d of %d were evaluated", evaluated, guesses)
		}
	})
}
