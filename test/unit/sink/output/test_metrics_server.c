/* SPDX-License-Identifier: Apache-2.0 */
/* /healthz, /versions, /metrics and what is refused, over real connections. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "common.h"

static void write_metrics(struct buf *out, void *arg)
{
	buf_printf(out, "koban_test_total %d\n", ++*(int *)arg);
}

static struct metrics_server *start(int *counter)
{
	struct metrics_server *m = NULL;
	struct err e = {0};

	assert_ok(&e, metrics_server_open(NULL, 0, write_metrics, counter, &m, &e));
	return m;
}

static int connect_to(struct metrics_server *m)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_port = htons(metrics_server_port(m)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void ask(struct metrics_server *m, const char *request, char *answer, size_t size)
{
	int fd = connect_to(m);
	size_t len = 0;
	ssize_t n;

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	while (len < size - 1 && (n = read(fd, answer + len, size - 1 - len)) > 0)
		len += (size_t)n;
	answer[len] = 0;
	close(fd);
}

static void answers_by_table(void **state)
{
	static const struct {
		const char *line, *status, *has, *lacks;
	} cases[] = {
		{"GET /healthz", "200 OK", "\r\n\r\n{\"status\": \"ok\"}", NULL},
		{"HEAD /healthz", "200 OK", "application/json", "{\"status\""},
		{"GET /versions", "200 OK", "\r\n\r\n{}", NULL},
		{"GET /metrics", "200 OK", "text/plain; version=0.0.4", NULL},
		{"GET /metrics?x=y", "200 OK", "koban_test_total 2\n", NULL},
		{"GET /", "404 Not Found", NULL, NULL},
		{"GET /metrics/", "404 Not Found", NULL, NULL},
		{"GET /../etc/passwd", "404 Not Found", NULL, "root:"},
		{"POST /nothing", "404 Not Found", NULL, NULL},
		{"POST /metrics", "405 Method Not Allowed", "Allow: GET, HEAD", "koban_test"},
		{"DELETE /healthz", "405 Method Not Allowed", NULL, NULL},
	};
	int counter = 0;
	struct metrics_server *m = start(&counter);
	char request[256], answer[4096];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(request, sizeof(request),
			"%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", cases[i].line);
		ask(m, request, answer, sizeof(answer));
		if (!strstr(answer, cases[i].status) ||
			(cases[i].has && !strstr(answer, cases[i].has)) ||
			(cases[i].lacks && strstr(answer, cases[i].lacks)))
			fail_msg("%s: %s", cases[i].line, answer);
	}
	metrics_server_close(m);
}

static void versions_can_be_set(void **state)
{
	int counter = 0;
	struct metrics_server *m = start(&counter);
	char answer[4096];

	assert_int_equal(metrics_server_set_versions(m, "{\"engine_version\": \"1\"}"), 0);
	ask(m, "GET /versions HTTP/1.0\r\n\r\n", answer, sizeof(answer));
	assert_non_null(strstr(answer, "{\"engine_version\": \"1\"}"));
	metrics_server_close(m);
}

static void connections_and_sizes_are_limited(void **state)
{
	int counter = 0, fds[64], refused = 0;
	struct metrics_server *m = start(&counter);
	char *big = malloc(200000), answer[4096];

	memset(big, 'a', 200000);
	memcpy(big, "GET /healthz?", 13);
	big[199999] = 0;
	int fd = connect_to(m);
	send(fd, big, strlen(big), MSG_NOSIGNAL); /* may be cut off in the middle */
	ssize_t n = read(fd, answer, sizeof(answer) - 1);
	assert_true(n <= 0 || !memmem(answer, (size_t)n, "200 OK", 6));
	close(fd);
	free(big);

	/* idle clients: those above the limit are closed at once */
	for (int i = 0; i < 64; i++)
		fds[i] = connect_to(m);
	for (int tries = 0; tries < 200 && refused < 48; tries++, usleep(5000)) {
		refused = 0;
		for (int i = 0; i < 64; i++) {
			struct pollfd p = {.fd = fds[i], .events = POLLIN};

			refused += poll(&p, 1, 0) == 1;
		}
	}
	assert_true(refused >= 30 && refused < 64);
	for (int i = 0; i < 64; i++)
		close(fds[i]);
	/* and it lives */
	for (int i = 0; i < 100; i++) {
		ask(m, "GET /healthz HTTP/1.0\r\n\r\n", answer, sizeof(answer));
		if (strstr(answer, "200 OK"))
			break;
		usleep(5000);
	}
	assert_non_null(strstr(answer, "200 OK"));
	metrics_server_close(m);
}

static void bad_addresses_are_said(void **state)
{
	struct metrics_server *m = NULL, *other = NULL;
	struct err e = {0};
	int counter = 0;

	assert_int_equal(metrics_server_open("example", 0, NULL, NULL, &m, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "'example' is no IP address"));
	m = start(&counter);
	assert_true(metrics_server_open(NULL, metrics_server_port(m), NULL, NULL, &other, &e) < 0);
	assert_non_null(strstr(e.msg, "cannot listen on 127.0.0.1 port"));
	metrics_server_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_by_table),
		cmocka_unit_test(versions_can_be_set),
		cmocka_unit_test(connections_and_sizes_are_limited),
		cmocka_unit_test(bad_addresses_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
