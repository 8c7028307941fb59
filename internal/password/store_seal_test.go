package password

import (
	"testing"

	"nidan/internal/account"
	"nidan/internal/store/storetest"
)

func TestAPasswordThatWaitsCountsAfterAChangeOfKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		w.Keys = storetest.TwoKeys(t)
		s := open(t, w)
		a := s.add("taro@example.com", "Taro Abe", person{assigned: account.MailOTP, enrolled: []account.Method{account.MailOTP}})
		s.ask("POST", s.link(a), twice(newPassword), nil)
		if err := w.Keys.Adopt(2, nil, nil); err != nil {
			t.Fatal(err)
		}
		done, err := SealedAside().Reseal(t.Context(), w.DB, w.Keys, nil)
		if err != nil || done.Sealed != 1 || done.Stuck != 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		if err := w.Keys.Adopt(2, nil, []byte{1}); err != nil {
			t.Fatal(err)
		}
		if !s.works(a, hadPassword) || s.works(a, newPassword) {
			t.Error("it counts before its time")
		}
		w.Clock.Set(storetest.Start.Add(asideFor))
		if !s.works(a, newPassword) {
			t.Error("it does not count any more")
		}
	})
}
