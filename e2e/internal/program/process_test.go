package program

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell describes a script that is ready once it has made the file "ready".
func shell(t *testing.T, script string) Config {
	dir := t.TempDir()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return Config{
		Name: "shell", Path: "/bin/sh", Args: []string{"-c", script}, Dir: dir, LogDir: t.TempDir(),
		Ready: Answers(server.URL + "/ready"), StartTimeout: 5 * time.Second, StopTimeout: 5 * time.Second,
	}
}

// The child holds a pipe open for as long as it lives. Asking for its process would not do: one that has ended stays in
// the table until somebody waits for it, and a container may have nobody who does.
func TestStopEndsTheProgramAndItsChildren(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	p, err := Start(t.Context(), shell(t, `trap 'exit 0' TERM; sleep 60 >'`+path+`' & touch ready; wait`))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if n, err := syscall.Read(fd, make([]byte, 1)); n == 0 && err == nil {
			return
		}
		<-tick.C
	}
	t.Error("a child survived")
}

func TestStopReportsAnUncleanEnd(t *testing.T) {
	p, err := Start(t.Context(), shell(t, `trap 'echo cannot stop; exit 3' TERM; touch ready; sleep 60 & wait`))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "cannot stop") {
		t.Errorf("Stop = %v, want an error with the output", err)
	}
}

func TestStartReportsAProgramThatEndsEarly(t *testing.T) {
	_, err := Start(t.Context(), shell(t, `echo bad setting; exit 1`))
	if !errors.Is(err, errEnded) || !strings.Contains(err.Error(), "bad setting") {
		t.Errorf("Start = %v, want the reason with the output", err)
	}
}
