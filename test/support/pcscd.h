/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private PC/SC daemon with virtual readers, for tests and demonstrations.
 *
 * The daemon listens on a socket in a directory of its own, so that the
 * system's daemon, if one runs, is not touched.  Every entry is one vpcd
 * driver with two readers, on the ports port, port + 1 and so on.
 *
 * Clients find it through PCSCLITE_CSOCK_NAME, which pcscd_start() sets; cards
 * find their port through JIAOZI_VPCD_PORT, likewise.
 */
#ifndef JZ_TEST_PCSCD_H
#define JZ_TEST_PCSCD_H

#include <stdbool.h>
#include <sys/types.h>

#define PCSCD_ENTRIES_MAX 8  /* the daemon's table has 16 readers */
#define PCSCD_PATH_MAX	  96 /* below the limit of a socket's name */

struct pcscd {
	char dir[PCSCD_PATH_MAX];
	pid_t pid; /* 0: not running */
	unsigned entries;
	unsigned short port;
};

/* Why no daemon can be run on this machine, or NULL. */
const char *pcscd_missing(void);

/*
 * Moves this process, and so its children, into a network and a mount
 * namespace of its own: vpcd listens on every interface, and pcscd would grab
 * readers plugged into this machine.  Where that is not allowed prints a note
 * and returns false; the daemon then takes free ports.  Call it before the
 * first thread.
 */
bool pcscd_isolate(void);

/*
 * Starts the daemon and waits until its readers are there.  Returns false
 * with a message, the daemon's log included, and nothing left behind.
 * `isolated` is what pcscd_isolate() said.
 */
bool pcscd_start(struct pcscd *d, unsigned entries, bool isolated);

/* Stops the daemon, waits for it and removes its files. */
void pcscd_stop(struct pcscd *d);

#endif
