// SPDX-License-Identifier: Apache-2.0

package mpi

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/internal/mpitest"
	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/distributed"
)

func init() {
	programs["network"] = program{run: func(ctx context.Context, c *Comm) error {
		hash, times, err := overNetwork(ctx, c)
		if err == nil {
			fmt.Printf("hash %s median %v fastest %v\n", hash, times[len(times)/2], times[0])
		}
		return err
	}}
}

// networkBytes is the size of the gradient in overNetwork.
const networkBytes = 4 * (784*512 + 512 + 512*10 + 10)

// overNetwork trains a dense network for some steps. It returns a hash of the weights and the times of steps in
// ascending order.
func overNetwork(ctx context.Context, c distributed.Comm) (string, []time.Duration, error) {
	const samples, width = 64, 784
	x, y := make([]float32, samples*width), make([]float32, samples)
	for i := range x {
		x[i] = float32(i%255) / 255
	}
	for i := range y {
		y[i] = float32(i % 10)
	}
	in, err := k.NewArray(x, samples, width)
	if err != nil {
		return "", nil, err
	}
	out, err := k.NewArray(y, samples, 1)
	if err != nil {
		return "", nil, err
	}
	data, err := k.Data(in, out)
	if err != nil {
		return "", nil, err
	}
	m := k.Sequential("m", k.Input(width), k.Dense(512, k.ReLU), k.Dense(10, k.Softmax))
	if err := m.Compile(k.RMSprop(0.001), k.SparseCategoricalCrossentropy, k.Seed(3)); err != nil {
		return "", nil, err
	}
	var times []time.Duration
	last := time.Now()
	_, err = m.Fit(ctx, data, k.Epochs(3), k.BatchSize(16), k.Distributed(c, k.Leaves(4)), k.Callbacks(k.CallbackFunc(func(e k.Event, t *k.Training) error {
		if e == k.BatchEnd {
			times, last = append(times, time.Since(last)), time.Now()
		}
		return nil
	})))
	if err != nil {
		return "", nil, err
	}
	slices.Sort(times)
	h, err := hash(m)
	return h, times, err
}

// Ranks in network namespaces, connected by a bridge whose ports are limited to the rate of a slow network,
// train to the bytes of one rank. A step takes the time of the computation and that of the messages, which
// is 2(n-1)/n of the gradient through each port in each direction. It needs root, ip and tc. Four ranks join
// in as well if REEF_MPI_MANY is set:
//
//	REEF_MPI_MANY=1 go test -v -run Network ./keraslike/mpi
func TestNetwork(t *testing.T) {
	list := mpitest.Launchers(t)
	if os.Getuid() != 0 {
		t.Skip("only root can make network namespaces")
	}
	for _, tool := range []string{"ip", "tc", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	want, alone, err := overNetwork(t.Context(), distributed.Single())
	if err != nil {
		t.Fatal(err)
	}
	most := 2
	if os.Getenv("REEF_MPI_MANY") != "" {
		most = 4
	}
	name := func(i int) string { return fmt.Sprintf("reef%d-%d", os.Getpid(), i) } // 0 is the switch
	run := func(command string, args ...any) {
		t.Helper()
		line := strings.Fields(fmt.Sprintf(command, args...))
		if text, err := exec.CommandContext(t.Context(), line[0], line[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%s: %v: %s", strings.Join(line, " "), err, text) // not permitted in this container
		}
	}
	t.Cleanup(func() {
		for i := range most + 1 {
			_ = exec.Command("ip", "netns", "del", name(i)).Run() // with its devices
		}
	})
	run("ip netns add %s", name(0))
	run("ip -n %s link add bridge type bridge", name(0))
	run("ip -n %s link set bridge up", name(0))
	for i := 1; i <= most; i++ {
		run("ip netns add %s", name(i))
		run("ip -n %s link add port%d type veth peer name e0 netns %s", name(0), i, name(i))
		run("ip -n %s link set port%d master bridge up", name(0), i)
		run("ip -n %s addr add 10.77.0.%d/24 dev e0", name(i), i)
		run("ip -n %s link set e0 up", name(i))
		run("ip -n %s link set lo up", name(i))
		run("tc -n %s qdisc add dev e0 root tbf rate 1gbit burst 256kb latency 100ms", name(i))
	}
	// What mpirun takes for ssh: HOST COMMAND. A rank has a host name and shared memory of its own, so that
	// no library takes it for one of the same machine.
	ssh := filepath.Join(t.TempDir(), "ssh")
	script := fmt.Sprintf(`#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
host=reef%d-${1##*.}; shift
exec ip netns exec $host unshare -u -m -i /bin/sh -c 'hostname $0; mount -t tmpfs none /dev/shm; exec /bin/sh -c "$*"' $host "$@"
`, os.Getpid())
	if err := os.WriteFile(ssh, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, rate := range []struct {
		name    string
		seconds float64 // for a byte
	}{{"1gbit", 8e-9}, {"100mbit", 8e-8}} {
		for i := 1; i <= most; i++ {
			run("tc -n %s qdisc change dev e0 root tbf rate %s burst 256kb latency 100ms", name(i), rate.name)
		}
		for _, l := range list {
			for n := 2; n <= most; n += 2 {
				t.Run(fmt.Sprintf("%s %s %d", rate.name, l.Name, n), func(t *testing.T) {
					hosts := "10.77.0.1"
					for i := 2; i <= n; i++ {
						hosts += fmt.Sprintf(",10.77.0.%d", i)
					}
					command := fmt.Sprintf("%s -launcher ssh -launcher-exec %s -iface e0 -hosts %s -n %d %s", l.Path, ssh, hosts, n, os.Args[0])
					if l.Name == "Open MPI" {
						command = fmt.Sprintf("%s --mca plm_rsh_agent %s --mca btl tcp,self --mca btl_tcp_if_include e0 --mca oob_tcp_if_include e0 -H %s -n %d %s",
							l.Path, ssh, hosts, n, os.Args[0])
					}
					r := mpitest.Run(t, []string{ssh, "10.77.0.1", command}, "REEF_MPI_TEST=network", "GOMAXPROCS=1").OK(t)
					if strings.Count(r.Output, "hash "+want) != n {
						t.Errorf("not all ranks have the bytes of one rank, %s:\n%s", want, r.Output)
					}
					var median, fastest string
					line, _, _ := strings.Cut(r.Output[max(0, strings.Index(r.Output, "hash ")):], "\n")
					_, _ = fmt.Sscanf(line, "hash "+want+" median %s fastest %s", &median, &fastest)
					least, err := time.ParseDuration(fastest)
					paper := time.Duration(float64(time.Second) * rate.seconds * networkBytes * 2 * float64(n-1) / float64(n))
					if err != nil || least < paper/2 || least > 4*paper+time.Second {
						t.Errorf("the fastest step takes %s, its messages on paper %v", fastest, paper)
					}
					t.Logf("step: median %s, fastest %s; on paper %v of computing and %v of messages", median, fastest, alone[len(alone)/2]/time.Duration(n), paper)
				})
			}
		}
	}
}
