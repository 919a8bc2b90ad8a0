// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package mpi

// There is no MPI on these platforms, and no test that needs signals.
func killSelf()          {}
func terminateSelf()     {}
func fillDisk(int) error { return nil }
