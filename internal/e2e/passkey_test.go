package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// phone gives the browser a device that keeps passkeys, whose owner gives a finger each time.
func (t tab) phone() webauthn.AuthenticatorID {
	t.Helper()
	call(t, webauthn.Enable, webauthn.EnableParams{})
	return call(t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}}).AuthenticatorID
}

// lawful fails the test if the browser says that a page broke its own rules.
func (t tab) lawful() {
	t.Helper()
	if err := chromedp.Listen(t.ctx, func(e any) {
		if e, ok := e.(*log.EventEntryAdded); ok && (strings.Contains(e.Entry.Text, "Content Security Policy") || strings.Contains(e.Entry.Text, "Trusted")) {
			t.Errorf("the browser says: %s", e.Entry.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	call(t, log.Enable, cdp.Empty{})
}

// signOut leaves, by the button below each page.
func (r *reader) signOut(words string) {
	r.Helper()
	r.use("footer", words)
	r.until(10*time.Second, "the page for coming in", `document.getElementById("password") != null`)
}

// addPasskey adds one by the form, with a name.
func (r *reader) addPasskey(at, name, said string) {
	r.Helper()
	r.do(chromedp.Navigate(at+"/passkeys"), chromedp.WaitVisible(chromedp.CSS("#key-name")))
	r.do(chromedp.Focus(chromedp.CSS("#key-name")), chromedp.KeyEvent(name+kb.Enter))
	r.until(10*time.Second, "to be told that it is there", `document.querySelector("[data-focus]")?.textContent.includes("`+said+`") ?? false`)
	r.shows(name, "localhost")
}

// Somebody who writes to a registry adds a passkey, and comes in by it: with a mouse, and with nothing but the keyboard.
func TestAPersonOfARegistryComesInByAPasskey(t *testing.T) {
	r := startRegistry(t)
	at := strings.Replace(r.at, "127.0.0.1", "localhost", 1) + "/en"
	for name, press := range map[string]func(*reader, string, string){"with a mouse": mouse, "with a keyboard": keyboard} {
		t.Run(name, func(t *testing.T) {
			p := &reader{tab: open(t), press: press}
			p.lawful()
			p.size(1280, 800)
			phone := p.phone()
			p.do(chromedp.Navigate(at+"/desk"), chromedp.WaitVisible(chromedp.CSS("#name")))
			p.judge("the page for coming in", false)
			p.size(1280, 800)
			p.do(chromedp.Focus(chromedp.CSS("#name")), chromedp.KeyEvent("bea"+kb.Tab+"correct horse bea"+kb.Enter), chromedp.WaitVisible(chromedp.CSS(".lead")))
			p.use("footer", "Passkeys")
			p.until(10*time.Second, "the page of passkeys", `document.getElementById("key-name") != null`)
			p.judge("no passkey yet", false)
			p.size(1280, 800)
			p.addPasskey(at, "Bea’s phone", "The passkey is there")
			p.judge("a passkey", false)
			p.size(1280, 800)

			// The same device does not make a second one.
			p.do(chromedp.Focus(chromedp.CSS("#key-name")), chromedp.KeyEvent("again"+kb.Enter))
			p.until(10*time.Second, "why there is no second one", `document.querySelector("[data-say]").textContent.includes("has a passkey here already")`)

			p.signOut("Sign out")
			p.do(chromedp.Navigate(at + "/desk"))
			p.use("main", "Sign in with a passkey")
			p.until(10*time.Second, "the workspace", `location.pathname == "/en/desk"`)

			// Nobody gives a finger: it is said what that means, and the password is still there.
			p.signOut("Sign out")
			call(p.tab, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: phone})
			p.use("main", "Sign in with a passkey")
			p.until(10*time.Second, "why nobody comes in", `document.querySelector("[data-say]").textContent.includes("sign in another way")`)
			p.judge("no passkey came", false)
			p.size(1280, 800)
			call(p.tab, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: phone, IsUserVerified: true})
			p.use("main", "Sign in with a passkey")
			p.until(10*time.Second, "the first page", `document.getElementById("password") == null`)

			// Taken away, it lets nobody in.
			p.do(chromedp.Navigate(at+"/passkeys"), chromedp.WaitVisible(chromedp.CSS("#key-name")))
			p.use("main", "Remove this passkey")
			p.told("lets nobody in any more")
			p.signOut("Sign out")
			p.use("main", "Sign in with a passkey")
			p.until(10*time.Second, "that it does not fit", `document.querySelector("[role=alert].wrong")?.textContent.includes("does not fit") ?? false`)
		})
	}
}

// A copy of a passkey lets nobody in, and the operator can take all of somebody’s away.
func TestAPasskeyThatIsLostOrCopiedLetsNobodyIn(t *testing.T) {
	r := startRegistry(t)
	at := strings.Replace(r.at, "127.0.0.1", "localhost", 1) + "/fr"
	p := &reader{tab: open(t), press: keyboard}
	p.lawful()
	p.size(1280, 800)
	phone := p.phone()
	come := func(person string) {
		t.Helper()
		p.do(chromedp.Navigate(at+"/desk"), chromedp.WaitVisible(chromedp.CSS("#name")))
		p.do(chromedp.Focus(chromedp.CSS("#name")), chromedp.KeyEvent(person+kb.Tab+"correct horse "+person+kb.Enter), chromedp.WaitVisible(chromedp.CSS(".lead")))
	}
	come("bea")
	p.addPasskey(at, "téléphone", "La clé d’accès est prête")
	p.judge("une clé d’accès", false)
	p.size(1280, 800)
	p.signOut("Se déconnecter")
	for range 2 { // so that there is something to count back from
		p.use("main", "Se connecter avec une clé d’accès")
		p.until(10*time.Second, "the first page", `document.getElementById("password") == null`)
		p.do(chromedp.Navigate(at+"/passkeys"), chromedp.WaitVisible(chromedp.CSS("#key-name")))
		p.signOut("Se déconnecter")
	}
	keys := call(p.tab, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: phone}).Credentials
	if len(keys) != 1 {
		t.Fatalf("%d passkeys on the device", len(keys))
	}
	zero := 0.0
	call(p.tab, webauthn.SetCredentialProperties, webauthn.SetCredentialPropertiesParams{AuthenticatorID: phone, CredentialID: keys[0].CredentialID, SignCount: &zero})
	p.use("main", "Se connecter avec une clé d’accès")
	p.until(10*time.Second, "that there may be a copy", `document.querySelector("[role=alert].wrong")?.textContent.includes("une copie") ?? false`)
	come("bea")
	p.do(chromedp.Navigate(at+"/passkeys"), chromedp.WaitVisible(chromedp.CSS("#key-name")))
	p.shows("Il existe peut-être une copie")
	p.judge("une copie", false)
	p.scripts(false)
	p.do(chromedp.Navigate(at+"/passkeys"), chromedp.WaitVisible(chromedp.CSS(".without-passkeys")))
	if eval[bool](p.tab, `document.getElementById("key-name").checkVisibility()`) {
		t.Error("without scripts, a passkey is offered")
	}
	p.scripts(true)
	p.judge("sans scripts", false)

	r.verb("", "person", "reset", "bea")
	p.do(chromedp.Navigate(at+"/desk"), chromedp.WaitVisible(chromedp.CSS("#password")))
}

// An owner adds a passkey where the program runs, and comes in by it. At an address made of numbers it is said why there is
// none, and where there is one.
func TestAnOwnerComesHomeByAPasskey(t *testing.T) {
	d := play(t)
	p := &reader{tab: open(t), press: keyboard}
	p.lawful()
	p.size(1280, 800)
	p.phone()
	p.do(chromedp.Navigate(d.at("/en/sign-in")), chromedp.WaitVisible(chromedp.CSS("#password")))
	p.judge("an address made of numbers", false)
	p.size(1280, 800)
	there := eval[string](p.tab, `document.querySelector("main a[href^='http://localhost:']").href`)
	p.do(chromedp.Navigate(strings.Replace(d.link.String(), "127.0.0.1", "localhost", 1)))
	p.use("main", "Open")
	p.until(10*time.Second, "the home", `document.getElementById("sentence") != null`)
	p.press(p, "footer", "Passkeys")
	p.until(10*time.Second, "the page of passkeys", `document.getElementById("key-name") != null`)
	p.addPasskey(strings.TrimSuffix(there, "/sign-in"), "kitchen tablet", "The passkey is there")
	p.judge("a passkey", false)
	p.size(1280, 800)
	p.signOut("Sign out")
	p.do(chromedp.Navigate(there), chromedp.WaitVisible(chromedp.CSS("#password")))
	p.use("main", "Sign in with a passkey")
	p.until(10*time.Second, "the home", `document.getElementById("sentence") != null`)
}
