package password

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/rpc"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// WorkerName is what the process that hashes calls itself, and how it is told from the portal.
	WorkerName = "nidan-hashing"

	// courtesy is its niceness, the greatest there is: what a page needs goes first, and hashing has all that is left.
	// On one core an import or a backup would leave it next to nothing for minutes: there it keeps a quarter.
	courtesy        = 19
	courtesyOfAlone = 5

	// spareable says to the kernel what to end when memory is short: hashing, not the portal.
	spareable = "500"

	// beginning bounds how long the process may take until it answers.
	beginning = 5 * time.Second
)

// The process that hashes is this program once more. It begins here and not in main, so that it is there in every
// program that could ask for it, tests too, and before anything is made ready that only a portal needs.
func init() {
	if os.Args[0] == WorkerName {
		work()
		os.Exit(0)
	}
}

// work does what it is given at standard input until that ends, as it does when the portal is no more.
func work() {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // a service is told to stop as a whole: the portal says when
	// Of the group, for Linux knows a niceness of each thread. What is refused stays as it was, and hashes all the same.
	nice := courtesyOn(runtime.GOMAXPROCS(0))
	_ = syscall.Setpriority(syscall.PRIO_PGRP, 0, nice)
	// A niceness counts within a session alone where the kernel shares the cores out among sessions (sched(7), autogroup):
	// this one has its own, which gives way to the portal's and to that of a database on the same machine.
	_ = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(nice)), 0)
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte(spareable), 0)
	_ = os.WriteFile("/proc/self/comm", []byte(WorkerName), 0)
	debug.SetGCPercent(-1) // collected after each task; at other times memory would go back, and fresh pages cost a sixth of the rate
	server := rpc.NewServer()
	if err := server.RegisterName(WorkerName, Hashing{}); err != nil {
		panic(err)
	}
	server.ServeConn(ends{polled(0), polled(1)})
}

func courtesyOn(cores int) int {
	if cores == 1 {
		return courtesyOfAlone
	}
	return courtesy
}

// polled is a pipe whose reader waits in the scheduler and not in the system: there it would keep one of the few threads
// from the hash that has just come.
func polled(pipe uintptr) *os.File {
	_ = syscall.SetNonblock(int(pipe), true) // refused: it waits in the system
	return os.NewFile(pipe, "pipe")
}

// Hashing is what the process that hashes can be asked.
type Hashing struct{}

// Ready answers.
func (Hashing) Ready(bool, *bool) error { return nil }

// Do does a task.
func (Hashing) Do(t Task, o *Result) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%v", fault)
		}
	}()
	*o = t.do()
	runtime.GC() // the next task takes the memory of this one
	return nil
}

// ends are the two pipes between the processes.
type ends struct {
	io.ReadCloser
	io.WriteCloser
}

func (e ends) Close() error { return errors.Join(e.WriteCloser.Close(), e.ReadCloser.Close()) }

// worker has tasks done by a process of its own. Within one process a hash has the priority of a page and the system
// shares the cores out between them in slices that are longer than a page takes; a goroutine cannot be nicer than
// others, nor can the threads of another's algorithm. It is begun at the first task, and ended at rest.
type worker struct {
	begin  func() (*rpc.Client, error)
	log    *slog.Logger
	unable func() // told once when no such process can be begun

	mu      sync.Mutex
	busy    int
	process *rpc.Client // nil: none runs
	never   bool        // none can be begun here
}

// do has a task done, by this process where there can be no other. A process that is ended from outside meanwhile is
// begun anew, once.
func (w *worker) do(t Task) (o Result, err error) {
	defer w.enter()()
	for range 2 {
		process := w.running()
		if process == nil {
			return t.do(), nil
		}
		o = Result{}
		err = process.Call(WorkerName+".Do", t, &o)
		var fault rpc.ServerError
		switch {
		case err == nil:
			return o, nil
		case errors.As(err, &fault):
			panic(string(fault))
		}
		w.lost(process, err)
	}
	return Result{}, fmt.Errorf("%w: the process that hashes was lost: %w", ErrBusy, err)
}

// enter counts a task, and answers what is to be called at its end.
func (w *worker) enter() (leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.busy--
	}
}

// running is the process, begun if there is none; nil when there can be none.
func (w *worker) running() *rpc.Client {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process != nil || w.never {
		return w.process
	}
	process, err := w.begin()
	if err != nil {
		w.never = true
		w.log.Warn("passwords are hashed within the portal, where pages wait for them: no process of their own can be begun",
			slog.String("error", err.Error()))
		w.unable()
		return nil
	}
	w.process = process
	return process
}

// lost forgets a process that does not answer any more.
func (w *worker) lost(process *rpc.Client, err error) {
	_ = process.Close() // it may be closed already
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process == process {
		w.process = nil
		w.log.Warn("the process that hashes passwords was ended from outside, and is begun anew: is there memory for it?",
			slog.String("error", err.Error()))
	}
}

// rest ends the process unless it has something to do, and so gives its memory back.
func (w *worker) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy == 0 && w.process != nil {
		_ = w.process.Close()
		w.process = nil
	}
}

// begin begins a process that hashes on so many threads. It is this very program, also when its file has been
// replaced by a newer one since. It gets nothing of the portal's surroundings, which hold addresses with passwords.
func begin(threads int) (*rpc.Client, error) {
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{WorkerName}, Env: []string{"GOMAXPROCS=" + strconv.Itoa(threads)},
		Dir: "/", Stderr: os.Stderr, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	process := rpc.NewClient(ends{out, in})
	go func() { _ = cmd.Wait() }() // how it ended is known by its pipes
	answer := process.Go(WorkerName+".Ready", true, new(bool), make(chan *rpc.Call, 1))
	patience := time.NewTimer(beginning)
	defer patience.Stop()
	select {
	case <-answer.Done:
		err = answer.Error
	case <-patience.C:
		err = fmt.Errorf("it did not answer within %v", beginning)
	}
	if err != nil {
		_, _ = process.Close(), cmd.Process.Kill()
		return nil, err
	}
	return process, nil
}
