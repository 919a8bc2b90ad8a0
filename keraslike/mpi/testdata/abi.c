// SPDX-License-Identifier: Apache-2.0

// A library with the handles of the standard ABI (MPI-5.0, appendix A) for tests, on top of MPICH, whose
// file REEF_MPI_TEST_FILE names. Other handles are errors.

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { world = 0x101, byte = 0x247, errors_return = 0x143, serialized = 2048, wrong = 13 };
enum { mpich_world = 0x44000000, mpich_byte = 0x4c00010d, mpich_errors_return = 0x54000001 };

typedef int (*function)();

static function of_mpich(const char *name) {
	static void *library;
	if (!library) library = dlopen(getenv("REEF_MPI_TEST_FILE"), RTLD_NOW | RTLD_GLOBAL);
	function f = library ? (function)dlsym(library, name) : 0;
	if (!f) {
		fprintf(stderr, "%s: %s\n", name, dlerror());
		exit(70);
	}
	return f;
}

int MPI_Get_library_version(char *text, int *n) {
	*n = sprintf(text, "Standard ABI 5.0, on MPICH");
	return 0;
}
int MPI_Init_thread(int *argc, char ***argv, int required, int *provided) {
	if (required != serialized) return wrong;
	int level = 0, r = of_mpich("MPI_Init_thread")(0, 0, 2, &level);
	*provided = 1024 * level;
	return r;
}
int MPI_Comm_rank(intptr_t c, int *rank) {
	return c == world ? of_mpich("MPI_Comm_rank")(mpich_world, rank) : wrong;
}
int MPI_Comm_size(intptr_t c, int *size) {
	return c == world ? of_mpich("MPI_Comm_size")(mpich_world, size) : wrong;
}
int MPI_Comm_set_errhandler(intptr_t c, intptr_t h) {
	return c == world && h == errors_return ? of_mpich("MPI_Comm_set_errhandler")(mpich_world, mpich_errors_return) : wrong;
}
int MPI_Isend(const void *data, int n, intptr_t type, int to, int tag, intptr_t c, intptr_t *request) {
	return c == world && type == byte ? of_mpich("MPI_Isend")(data, n, mpich_byte, to, tag, mpich_world, request) : wrong;
}
int MPI_Irecv(void *data, int n, intptr_t type, int from, int tag, intptr_t c, intptr_t *request) {
	return c == world && type == byte ? of_mpich("MPI_Irecv")(data, n, mpich_byte, from, tag, mpich_world, request) : wrong;
}
int MPI_Test(intptr_t *request, int *flag, int *status) {
	int r = of_mpich("MPI_Test")(request, flag, status);
	if (*flag) *request = 0, status[5] = status[6] = status[7] = -1; // 32 bytes, MPICH's has 20
	return r;
}
int MPI_Get_count(const int *status, intptr_t type, int *n) {
	return type == byte ? of_mpich("MPI_Get_count")(status, mpich_byte, n) : wrong;
}
int MPI_Error_string(int code, char *text, int *n) {
	if (code != wrong) return of_mpich("MPI_Error_string")(code, text, n);
	*n = sprintf(text, "a handle of another ABI");
	return 0;
}
int MPI_Abort(intptr_t c, int status) {
	return c == world ? of_mpich("MPI_Abort")(mpich_world, status) : wrong;
}
int MPI_Finalize(void) { return of_mpich("MPI_Finalize")(); }
