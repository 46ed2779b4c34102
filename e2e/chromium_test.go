package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// chromiumPath finds a Chromium, or skips the test.
func chromiumPath(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("GATEHOUSE_E2E_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "GATEHOUSE_E2E_BROWSER", "no Chromium is installed", "install chromium, or set GATEHOUSE_E2E_CHROMIUM to its path")
	return ""
}

// profile is one headless Chromium with a profile of its own: what it sees, no other does.
type profile struct {
	t   *testing.T
	tab context.Context

	mu     sync.Mutex
	issues []string // what the browser blocked by a Content-Security-Policy
	hosts  map[string]bool
}

// newProfile starts a Chromium for the test, which may use it for a minute.
func newProfile(t *testing.T) *profile {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromiumPath(t)),
		chromedp.UserDataDir(profileDir(t)),
		chromedp.NoSandbox, // it would need privileges that containers and root do not have
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	browser, stopBrowser := chromedp.NewExecAllocator(t.Context(), options...)
	tab, closeTab := chromedp.NewContext(browser)
	tab, stopWaiting := context.WithTimeout(tab, time.Minute)
	t.Cleanup(func() {
		stopWaiting()
		closeTab()
		stopBrowser()
	})
	p := &profile{t: t, tab: tab, hosts: make(map[string]bool)}
	chromedp.ListenTarget(tab, p.observe)
	p.run("start", audits.Enable(), network.Enable())
	return p
}

// profileDir is a directory that is removed when the browser lets go of it: its helper processes write for a moment after it
// has ended, and t.TempDir fails the test when something appears in a directory that it empties.
func profileDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gatehouse-chromium") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eventually(t, 10*time.Second, "the end of the browser", func() bool { return os.RemoveAll(dir) == nil })
	})
	return dir
}

// observe collects what the browser reports. It must not block.
func (p *profile) observe(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *audits.EventIssueAdded:
		if details := e.Issue.Details.ContentSecurityPolicyIssueDetails; details != nil {
			p.issues = append(p.issues, fmt.Sprintf("%s blocked %q", details.ViolatedDirective, details.BlockedURL))
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && strings.HasPrefix(u.Scheme, "http") {
			p.hosts[u.Host] = true
		}
	}
}

// run does something in the tab.
func (p *profile) run(what string, actions ...chromedp.Action) {
	p.t.Helper()
	if err := chromedp.Run(p.tab, actions...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// open types an address.
func (p *profile) open(address string) {
	p.t.Helper()
	p.run("open", chromedp.Navigate(address))
}

// click clicks on an element once a user could.
func (p *profile) click(selector string) {
	p.t.Helper()
	p.awaitElement(selector)
	p.run("click "+selector, chromedp.Click(selector, chromedp.ByQuery))
}

// awaitElement waits until a user can see an element. To the driver everything is visible that has a place on the page,
// also the buttons that the consent page holds back for a moment.
func (p *profile) awaitElement(selector string) {
	p.t.Helper()
	visible := fmt.Sprintf("document.querySelector(%q)?.checkVisibility({visibilityProperty: true}) ?? false", selector)
	eventually(p.t, 20*time.Second, "the sight of "+selector, func() bool {
		var seen bool
		err := chromedp.Run(p.tab, chromedp.Evaluate(visible, &seen))
		if p.tab.Err() != nil {
			p.t.Fatalf("wait for %s: %v", selector, err)
		}
		return err == nil && seen // an error says that the page is just being replaced
	})
}

// logIn fills in the provider's login form, which is Keycloak's or the built-in one.
func (p *profile) logIn(who person) {
	p.t.Helper()
	p.awaitElement("#password")
	p.run("log in",
		chromedp.SendKeys("#username", who.username, chromedp.ByQuery),
		chromedp.SendKeys("#password", who.password, chromedp.ByQuery),
		chromedp.Click("form:has(#password) button", chromedp.ByQuery),
	)
}

// address is where the tab is.
func (p *profile) address() string {
	p.t.Helper()
	var address string
	p.run("read the address", chromedp.Location(&address))
	return address
}

// status is the HTTP status of the page.
func (p *profile) status() int {
	p.t.Helper()
	var status int
	p.run("read the status",
		chromedp.Evaluate(`performance.getEntriesByType("navigation")[0].responseStatus`, &status))
	return status
}

// onPhone makes the window a phone's, in dark mode.
func (p *profile) onPhone() {
	p.t.Helper()
	p.run("become a phone",
		chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}),
	)
}

// checkPolicy fails the test when the browser had to block something, or went to a host that is not among those named.
func (p *profile) checkPolicy(hosts ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, issue := range p.issues {
		p.t.Errorf("a Content-Security-Policy was violated: %s", issue)
	}
	for _, host := range hosts {
		delete(p.hosts, host)
	}
	for host := range p.hosts {
		p.t.Errorf("the browser was sent to %s", host)
	}
}
