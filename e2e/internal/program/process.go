package program

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Config says what to run.
type Config struct {
	// Name names the log file.
	Name string
	// Path is the executable.
	Path string
	// Args are its arguments.
	Args []string
	// Env is its environment, on top of PATH, HOME and TMPDIR and nothing else of ours.
	Env map[string]string
	// Dir is its working directory.
	Dir string
	// LogDir is where its output goes, both streams and all runs of one name into one file.
	LogDir string
	// Ready reports whether the program serves, and is asked again and again until it does.
	Ready func(context.Context) bool
	// StartTimeout bounds the wait for Ready, StopTimeout the wait for its end.
	StartTimeout, StopTimeout time.Duration
}

// Process is a running program.
type Process struct {
	config Config
	cmd    *exec.Cmd
	log    *os.File
	done   chan struct{} // closed when the program has ended
	err    error         // of Wait; read after done
	killed bool          // by Kill
}

// Start runs a program and waits until it is ready. It runs in a process group of its own, so that Stop reaches
// children that a start script leaves behind. On failure the error ends with the last lines of its output.
func Start(ctx context.Context, config Config) (*Process, error) {
	logPath := filepath.Join(config.LogDir, config.Name+".log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("program: %w", err)
	}
	cmd := exec.Command(config.Path, config.Args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = config.Dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = environment(config.Env)
	if err := cmd.Start(); err != nil {
		log.Close()
		return nil, fmt.Errorf("program: %w", err)
	}
	p := &Process{config: config, cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	if err := p.awaitReady(ctx); err != nil {
		p.Kill()
		return nil, fmt.Errorf("program: %s: %w\n%s", config.Name, err, p.Tail())
	}
	return p, nil
}

// Stop asks the program to end (SIGTERM) and waits. A program that does not end in time is killed; that, and an exit
// status other than zero, is an error. Stopping twice is stopping once, and so is stopping after Kill.
func (p *Process) Stop() error {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(p.config.StopTimeout):
		p.Kill()
		return fmt.Errorf("program: %s did not end within %s of SIGTERM\n%s", p.config.Name, p.config.StopTimeout, p.Tail())
	}
	p.log.Close()
	if p.err != nil && !p.killed {
		return fmt.Errorf("program: %s: %w\n%s", p.config.Name, p.err, p.Tail())
	}
	return nil
}

// Kill ends the program and its children at once (SIGKILL) and waits for it.
func (p *Process) Kill() {
	p.killed = true
	p.signal(syscall.SIGKILL)
	<-p.done
	p.log.Close()
}

// Tail returns the last lines of the program's output.
func (p *Process) Tail() string {
	content, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	const most = 30
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

func (p *Process) signal(s syscall.Signal) {
	select {
	case <-p.done: // the id may belong to somebody else by now
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, s)
	}
}

var errEnded = errors.New("it ended before it was ready")

func (p *Process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.StartTimeout)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		if p.config.Ready(ctx) {
			return nil
		}
		select {
		case <-p.done:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("it did not become ready: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// Answers is ready when a URL answers 200.
func Answers(url string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	}
}

func environment(extra map[string]string) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "JAVA_HOME", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for name, value := range extra {
		env = append(env, name+"="+value)
	}
	return env
}
