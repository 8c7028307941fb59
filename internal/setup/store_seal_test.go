package setup

import (
	"net/http"
	"testing"

	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

func TestASetUpGoesOnWhileKeysAreChanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		w.Keys = storetest.TwoKeys(t)
		v, _ := withPhone(build(t, w), general)
		key := v.key("/profile/totp")
		v.must(v.Keys.Adopt(2, nil, nil))
		done, err := Sealed().Reseal(t.Context(), v.DB, v.Keys, nil)
		if err != nil || done.Sealed != 1 || done.Stuck != 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		if done, err := totp.Sealed().Reseal(t.Context(), v.DB, v.Keys, nil); err != nil || done.Sealed != 1 || done.Stuck != 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		v.must(v.Keys.Adopt(2, nil, []byte{1}))
		if totp.Text(v.key("/profile/totp")) != totp.Text(key) {
			t.Error("the page shows another secret than before")
		}
		v.post("/profile/totp", "code", v.code(key)).to("/profile?done=phone")
		v.get("/profile/totp").is(http.StatusOK)
	})
}
