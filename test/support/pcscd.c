/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs pcscd 1.9 beside the system's own: pcscd takes an already listening
 * socket as descriptor 3 (the protocol of sd_listen_fds(3)), and
 * libpcsclite takes its path from PCSCLITE_CSOCK_NAME.
 *
 * Two entries that name the same driver file would share its slot table, so
 * that every entry but the first gets a copy of the driver.
 */
#define _GNU_SOURCE 1

#include "pcscd.h"
#include "temp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <winscard.h>

#define DAEMON		"/usr/sbin/pcscd"
#define DRIVER		"/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
#define RUN_DIR		"/run/pcscd"
#define USB_DIR		"/dev/bus/usb"
#define LISTEN_FD	3
#define BACKLOG		16
#define SLOTS		2u /* of a vpcd entry, compiled in */
#define DEFAULT_PORT	35963u
#define LOWEST_PORT	20000u
#define PORT_SPAN	12000u
#define PORT_TRIES	100u
#define STEP_MS		10
#define READY_STEPS	1000u /* 10 s */
#define STOP_STEPS	300u  /* 3 s */
#define NS_PER_MS	1000000
#define TEXT_MAX	512
#define DRIVER_COPY_MAX (4u << 20)

static void
sleep_step(void)
{
	const struct timespec t = {0, (long)STEP_MS * NS_PER_MS};

	(void)nanosleep(&t, NULL);
}

const char *
pcscd_missing(void)
{
	if (access(DAEMON, X_OK) != 0)
		return "no " DAEMON " (package pcscd)";
	if (access(DRIVER, R_OK) != 0)
		return "no " DRIVER " (package vsmartcard-vpcd)";
	return NULL;
}

/* ---- namespaces --------------------------------------------------------- */

static bool
write_file(const char *path, const char *text)
{
	const size_t len = strlen(text);
	bool ok;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write(fd, text, len) == (ssize_t)len;
	return close(fd) == 0 && ok;
}

/* Keeps user and group as they are in a new user namespace. */
static bool
map_user(uid_t uid, gid_t gid)
{
	char user[TEXT_MAX], group[TEXT_MAX];

	(void)snprintf(user, sizeof(user), "%u %u 1", uid, uid);
	(void)snprintf(group, sizeof(group), "%u %u 1", gid, gid);
	return write_file("/proc/self/setgroups", "deny") &&
	    write_file("/proc/self/gid_map", group) &&
	    write_file("/proc/self/uid_map", user);
}

static bool
loopback_up(void)
{
	struct ifreq r;
	bool ok;
	int fd;

	memset(&r, 0, sizeof(r));
	memcpy(r.ifr_name, "lo", sizeof("lo"));
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	ok = ioctl(fd, SIOCSIFFLAGS, &r) == 0;
	(void)close(fd);
	return ok;
}

static bool
cover(const char *dir)
{
	return mount("none", dir, "tmpfs", 0, "mode=0755") == 0;
}

/*
 * An empty directory for the daemon's process number, and no USB readers.
 * Without it the daemon works too, if the directory is there already.
 */
static void
private_mounts(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return;
	if (!cover(RUN_DIR) && cover("/run"))
		(void)mkdir(RUN_DIR, 0755);
	(void)cover(USB_DIR);
}

bool
pcscd_isolate(void)
{
	const int spaces = CLONE_NEWNET | CLONE_NEWNS;
	const uid_t uid = geteuid();
	const gid_t gid = getegid();

	if ((unshare(spaces) == 0 ||
		(unshare(spaces | CLONE_NEWUSER) == 0 && map_user(uid, gid))) &&
	    loopback_up()) {
		private_mounts();
		return true;
	}
	(void)fprintf(stderr,
	    "note: no namespace of our own (%s); "
	    "the virtual readers listen on this machine's ports\n",
	    strerror(errno));
	return false;
}

/* ---- files -------------------------------------------------------------- */

static void
path_in(const struct pcscd *d, const char *name, char out[static PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%s/%s", d->dir, name);
}

static void
driver_path(const struct pcscd *d, unsigned entry, char out[static PATH_MAX])
{
	char name[TEXT_MAX];

	if (entry == 0) {
		(void)snprintf(out, PATH_MAX, "%s", DRIVER);
		return;
	}
	(void)snprintf(name, sizeof(name), "driver%u.so", entry);
	path_in(d, name, out);
}

static bool
copy_driver(const char *to)
{
	ssize_t n = -1;
	int in = -1, out = -1;

	in = open(DRIVER, O_RDONLY | O_CLOEXEC);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (in >= 0 && out >= 0)
		n = sendfile(out, in, NULL, DRIVER_COPY_MAX);
	if (in >= 0)
		(void)close(in);
	if (out >= 0)
		(void)close(out);
	return n > 0;
}

static bool
make_entry(const struct pcscd *d, unsigned entry, FILE *config)
{
	const unsigned port = d->port + SLOTS * entry;
	char driver[PATH_MAX], number[TEXT_MAX] = "";

	driver_path(d, entry, driver);
	if (entry > 0 && !copy_driver(driver))
		return false;
	/* "Virtual PCD 00 00", "Virtual PCD 2 00 00": one name, one reader. */
	if (entry > 0)
		(void)snprintf(number, sizeof(number), " %u", entry + 1);
	return fprintf(config,
		   "FRIENDLYNAME \"Virtual PCD%s\"\n"
		   "DEVICENAME /dev/null:%u\n"
		   "LIBPATH %s\nCHANNELID %u\n\n",
		   number, port, driver, port) > 0;
}

static bool
make_files(struct pcscd *d)
{
	char path[PATH_MAX];
	bool ok = true;
	FILE *f;
	unsigned i;

	/* Leaves room for the socket's own name. */
	if (!temp_new(
		d->dir, sizeof(d->dir) - sizeof("/socket"), "jiaozi-pcscd"))
		return false;
	path_in(d, "config", path);
	if (mkdir(path, 0700) != 0)
		return false;
	path_in(d, "config/reader.conf", path);
	f = fopen(path, "we");
	if (f == NULL)
		return false;
	for (i = 0; ok && i < d->entries; i++)
		ok = make_entry(d, i, f);
	return fclose(f) == 0 && ok;
}

static void
remove_files(struct pcscd *d)
{
	static const char *const names[] = {
	    "socket", "log", "config/reader.conf"};
	char path[PATH_MAX];
	unsigned i;

	if (d->dir[0] == '\0')
		return;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_in(d, names[i], path);
		(void)unlink(path);
	}
	for (i = 1; i < d->entries; i++) {
		driver_path(d, i, path);
		(void)unlink(path);
	}
	path_in(d, "config", path);
	(void)rmdir(path);
	if (rmdir(d->dir) != 0)
		(void)fprintf(stderr, "note: %s is left\n", d->dir);
	d->dir[0] = '\0';
}

static void
print_log(const struct pcscd *d)
{
	char path[PATH_MAX], line[TEXT_MAX];
	FILE *f;

	path_in(d, "log", path);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		(void)fprintf(stderr, "pcscd: %s", line);
	(void)fclose(f);
}

/* ---- ports -------------------------------------------------------------- */

static bool
port_free(unsigned short port)
{
	struct sockaddr_in a;
	bool ok;
	int fd;

	memset(&a, 0, sizeof(a));
	a.sin_family = AF_INET;
	a.sin_port = htons(port);
	a.sin_addr.s_addr = htonl(INADDR_ANY);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	ok =
	    bind(fd, (const struct sockaddr *)(const void *)&a, sizeof(a)) == 0;
	(void)close(fd);
	return ok;
}

/* The first of so many free ports in a row, or 0. */
static unsigned short
choose_port(unsigned count)
{
	unsigned i, free_ports;
	unsigned base = (unsigned)getpid();

	for (i = 0; i < PORT_TRIES; i++) {
		/* An odd step larger than a row walks the span. */
		base = LOWEST_PORT + (base + 37u) % PORT_SPAN;
		for (free_ports = 0; free_ports < count; free_ports++)
			if (!port_free((unsigned short)(base + free_ports)))
				break;
		if (free_ports == count)
			return (unsigned short)base;
	}
	return 0;
}

/* ---- the daemon --------------------------------------------------------- */

static int
listen_at(const char *path)
{
	struct sockaddr_un a;
	const size_t len = strlen(path);
	int fd;

	memset(&a, 0, sizeof(a));
	a.sun_family = AF_UNIX;
	if (len >= sizeof(a.sun_path))
		return -1;
	memcpy(a.sun_path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *)(const void *)&a, sizeof(a)) !=
		0 ||
	    listen(fd, BACKLOG) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* In the child: never returns. */
static void
run_daemon(const struct pcscd *d, int fd, pid_t parent)
{
	char config[PATH_MAX], log[PATH_MAX], pid[TEXT_MAX];
	sigset_t none;
	int out;

	path_in(d, "config", config);
	path_in(d, "log", log);
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	/* A key press meant for the tests is not meant for the daemon. */
	(void)setsid();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* Nor does it outlive a parent that was killed. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(126);
	out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (out < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	/* dup2 onto itself would keep close-on-exec. */
	if (fd == LISTEN_FD)
		(void)fcntl(fd, F_SETFD, 0);
	else if (dup2(fd, LISTEN_FD) < 0)
		_exit(126);
	(void)setenv("LISTEN_FDS", "1", 1);
	(void)setenv("LISTEN_PID", pid, 1);
	(void)execl(
	    DAEMON, "pcscd", "--foreground", "--config", config, (char *)NULL);
	_exit(127);
}

static bool
spawn_daemon(struct pcscd *d, const char *socket_path)
{
	const pid_t parent = getpid();
	int fd;

	fd = listen_at(socket_path);
	if (fd < 0)
		return false;
	d->pid = fork();
	if (d->pid == 0)
		run_daemon(d, fd, parent);
	(void)close(fd);
	if (d->pid < 0)
		d->pid = 0;
	return d->pid > 0;
}

/* How many readers the daemon shows. */
static unsigned
count_readers(SCARDCONTEXT context)
{
	char names[MAX_READERNAME * PCSCLITE_MAX_READERS_CONTEXTS];
	DWORD len = sizeof(names);
	const char *p;
	unsigned n = 0;

	if (SCardListReaders(context, NULL, names, &len) != SCARD_S_SUCCESS)
		return 0;
	for (p = names; *p != '\0'; p += strlen(p) + 1)
		n++;
	return n;
}

static bool
gone(struct pcscd *d)
{
	if (d->pid != 0 && waitpid(d->pid, NULL, WNOHANG) == d->pid)
		d->pid = 0;
	return d->pid == 0;
}

static bool
wait_ready(struct pcscd *d)
{
	SCARDCONTEXT context;
	bool ready = false;
	unsigned i;

	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) !=
	    SCARD_S_SUCCESS)
		return false;
	for (i = 0; i < READY_STEPS && !ready && !gone(d); i++) {
		ready = count_readers(context) >= SLOTS * d->entries;
		if (!ready)
			sleep_step();
	}
	(void)SCardReleaseContext(context);
	return ready;
}

bool
pcscd_start(struct pcscd *d, unsigned entries, bool isolated)
{
	char socket_path[PATH_MAX], port[TEXT_MAX];

	memset(d, 0, sizeof(*d));
	if (entries == 0 || entries > PCSCD_ENTRIES_MAX)
		return false;
	d->entries = entries;
	d->port = isolated ? DEFAULT_PORT : choose_port(SLOTS * entries);
	if (d->port == 0 || !make_files(d))
		goto fail;
	path_in(d, "socket", socket_path);
	(void)snprintf(port, sizeof(port), "%u", d->port);
	if (setenv("PCSCLITE_CSOCK_NAME", socket_path, 1) != 0 ||
	    setenv("JIAOZI_VPCD_PORT", port, 1) != 0)
		goto fail;
	if (spawn_daemon(d, socket_path) && wait_ready(d))
		return true;
fail:
	(void)fprintf(stderr, "the PC/SC daemon does not start\n");
	if (d->dir[0] != '\0')
		print_log(d);
	pcscd_stop(d);
	return false;
}

void
pcscd_stop(struct pcscd *d)
{
	unsigned i;

	if (!gone(d))
		(void)kill(d->pid, SIGTERM);
	for (i = 0; i < STOP_STEPS && !gone(d); i++)
		sleep_step();
	if (!gone(d)) {
		(void)kill(d->pid, SIGKILL);
		(void)waitpid(d->pid, NULL, 0);
		d->pid = 0;
	}
	remove_files(d);
}
