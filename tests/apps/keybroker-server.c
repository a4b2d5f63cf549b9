/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keybroker-server - a key broker, as the Realm key broker demo's server.
 *
 * Same requests, answers and command line as veraison/keybroker-demo's keybroker-server, with
 * tests/apps/broker in place of a verifier elsewhere.  Beyond it, for tests: TLS, a log with a line
 * per request, GET /blob/N, connections that break off, and an answer where the demo's crashes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "tests/apps/b64.h"
#include "tests/apps/broker.h"

#define BODY_MAX (256 * 1024)
#define BLOB_MAX (1024L * 1024 * 1024)

struct server {
	struct broker *broker;
	const char *addr, *endpoint, *reference_values, *tls_cert, *tls_key;
	unsigned int port;
	bool mock_challenge;
	int verbosity;
	long close_after; /* body bytes of an answer after which the connection breaks; -1 never */
	FILE *log;
	uint64_t connections;
};

/* One client's connection, from MHD's accept to its close. */
struct connection {
	uint64_t id, requests;
};

struct request {
	char *body; /* NUL-terminated */
	size_t len;
	bool too_long;
};

/* What is sent back; text and location are freed with it. */
struct answer {
	unsigned int status;
	char *text;
	size_t len;
	char *location;
	long blob; /* not -1: that many bytes of the pattern instead of text */
};

static void __attribute__((format(printf, 2, 3)))
info(const struct server *server, const char *fmt, ...)
{
	va_list ap;

	if (server->verbosity < 1)
		return;
	fputs("INFO ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* Byte i of every blob: printable, and of a period that no buffer size divides. */
static char pattern(uint64_t i)
{
	return (char)('!' + i % 89);
}

static void refuse(struct answer *answer, unsigned int status, const char *type, const char *detail)
{
	answer->status = status;
	answer->text = xasprintf("{\"type\":\"%s\",\"detail\":\"%s\"}", type, detail);
}

static void request_key(struct server *server, struct MHD_Connection *conn, const char *name,
			const char *body, struct answer *answer)
{
	const char *host = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Host");
	struct broker_challenge issued;
	char *challenge, *base;

	if (!broker_request(server->broker, name, body, &issued)) {
		refuse(answer, MHD_HTTP_BAD_REQUEST, "BadRequest",
		       "The request has no usable public key.");
		return;
	}
	/* A client behind address translation can only come back to the address that it came to. */
	if (server->endpoint)
		base = xasprintf("%s:%u", server->endpoint, server->port);
	else if (host)
		base = xasprintf("%s://%s", server->tls_cert ? "https" : "http", host);
	else
		base = xasprintf("%s://%s:%u", server->tls_cert ? "https" : "http", server->addr,
				 server->port);
	challenge = b64_encode(issued.value, CHALLENGE_SIZE);
	answer->status = MHD_HTTP_CREATED;
	answer->location = xasprintf("%s/keys/v1/evidence/%" PRIu32, base, issued.id);
	answer->text = xasprintf("{\"challenge\":\"%s\",\"accept\":[\"application/eat-collection; "
				 "profile=http://arm.com/CCA-SSD/1.0.0\"]}",
				 challenge);
	info(server, "Created attestation challenge at %s", answer->location);
	free(challenge);
	free(base);
}

static void submit_evidence(struct server *server, const char *id_text,
			    const struct request *request, struct answer *answer)
{
	char *end, *wrapped = NULL;
	unsigned long id = strtoul(id_text, &end, 10);

	if (*id_text < '0' || *id_text > '9' || *end || id > UINT32_MAX) {
		refuse(answer, MHD_HTTP_NOT_FOUND, "NotFound", "No such resource.");
		return;
	}
	switch (broker_submit(server->broker, (uint32_t)id, request->body, request->len,
			      &wrapped)) {
	case BROKER_KEY:
		answer->status = MHD_HTTP_OK;
		answer->text = xasprintf("{\"data\":\"%s\"}", wrapped);
		info(server, "Evidence submitted for challenge %lu: verification succeeded !", id);
		break;
	case BROKER_NO_CHALLENGE:
		refuse(answer, MHD_HTTP_FORBIDDEN, "AttestationFailure",
		       "The challenge identifier did not match any issued challenge.");
		break;
	case BROKER_NOT_IN_POLICY:
		refuse(answer, MHD_HTTP_FORBIDDEN, "AttestationFailure",
		       "The attestation result is not in policy.");
		break;
	case BROKER_BAD_EVIDENCE:
		refuse(answer, MHD_HTTP_BAD_REQUEST, "BadRequest",
		       "The evidence is not base64url.");
		break;
	case BROKER_CANNOT_WRAP:
		refuse(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "KeyStoreError",
		       "Requested key is not in the store, or it can not be wrapped.");
		break;
	}
	if (answer->status != MHD_HTTP_OK)
		info(server, "Evidence submitted for challenge %lu: %s", id, answer->text);
	free(wrapped);
}

static const char *below(const char *url, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(url, prefix, len) == 0 && url[len] ? url + len : NULL;
}

static void route(struct server *server, struct MHD_Connection *conn, const char *method,
		  const char *url, const struct request *request, struct answer *answer)
{
	bool is_post = strcmp(method, "POST") == 0;
	const char *rest;

	if (request->too_long) {
		refuse(answer, MHD_HTTP_CONTENT_TOO_LARGE, "BadRequest", "The body is too long.");
	} else if (is_post && (rest = below(url, "/keys/v1/key/"))) {
		request_key(server, conn, rest, request->body ? request->body : "", answer);
	} else if (is_post && (rest = below(url, "/keys/v1/evidence/"))) {
		submit_evidence(server, rest, request, answer);
	} else if (!is_post && (rest = below(url, "/blob/")) && atol(rest) >= 0 &&
		   atol(rest) <= BLOB_MAX) {
		answer->status = MHD_HTTP_OK;
		answer->blob = atol(rest);
	} else {
		refuse(answer, MHD_HTTP_NOT_FOUND, "NotFound", "No such resource.");
	}
}

static void log_request(struct server *server, struct MHD_Connection *mhd, const char *method,
			const char *url, const struct request *request, const struct answer *answer)
{
	const union MHD_ConnectionInfo *context =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	const union MHD_ConnectionInfo *peer =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct connection *conn = context->socket_context;
	struct json_object *line;

	conn->requests++;
	if (!server->log)
		return;
	line = json_object_new_object();
	json_object_object_add(line, "connection", json_object_new_int64((int64_t)conn->id));
	json_object_object_add(line, "request", json_object_new_int64((int64_t)conn->requests));
	json_object_object_add(line, "peer_port",
			       json_object_new_int(ntohs(
				       ((const struct sockaddr_in *)peer->client_addr)->sin_port)));
	json_object_object_add(line, "method", json_object_new_string(method));
	json_object_object_add(line, "target", json_object_new_string(url));
	json_object_object_add(line, "body_in", json_object_new_int64((int64_t)request->len));
	json_object_object_add(line, "status", json_object_new_int64(answer->status));
	json_object_object_add(line, "body_out", json_object_new_int64((int64_t)answer->len));
	json_object_object_add(line, "tls", json_object_new_boolean(server->tls_cert != NULL));
	fprintf(server->log, "%s\n",
		json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(server->log);
	json_object_put(line);
}

/* The body of an answer, from its text or the pattern, up to where the connection is to break. */
struct body {
	char *text; /* NULL: the pattern */
	size_t len;
	long close_after;
};

static ssize_t read_body(void *arg, uint64_t pos, char *buf, size_t max)
{
	const struct body *body = arg;

	if (body->close_after >= 0) {
		if (pos >= (uint64_t)body->close_after)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		if (max > (uint64_t)body->close_after - pos)
			max = (uint64_t)body->close_after - pos;
	}
	if (max > body->len - pos)
		max = body->len - pos;
	for (size_t i = 0; i < max; i++)
		buf[i] = body->text ? body->text[pos + i] : pattern(pos + i);
	return (ssize_t)max;
}

static void free_body(void *arg)
{
	struct body *body = arg;

	free(body->text);
	free(body);
}

static enum MHD_Result send_answer(const struct server *server, struct MHD_Connection *conn,
				   struct answer *answer)
{
	struct body *body = xcalloc(1, sizeof(*body));
	struct MHD_Response *response;
	enum MHD_Result ret;

	*body = (struct body){ answer->text, answer->len, -1 };
	if (server->close_after >= 0 && (size_t)server->close_after < answer->len)
		body->close_after = server->close_after;
	response = MHD_create_response_from_callback(answer->len, 16 * 1024, read_body, body,
						     free_body);
	MHD_add_response_header(response, "Content-Type",
				answer->text ? "application/json" : "application/octet-stream");
	if (answer->location)
		MHD_add_response_header(response, "Location", answer->location);
	ret = MHD_queue_response(conn, answer->status, response);
	MHD_destroy_response(response);
	free(answer->location);
	return ret;
}

/* MHD calls this for the headers, for each piece of the body, and once more when all is there. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **state)
{
	struct answer answer = { .blob = -1 };
	struct server *server = arg;
	struct request *request = *state;

	(void)version;
	if (!request) {
		*state = xcalloc(1, sizeof(*request));
		return MHD_YES;
	}
	if (*data_len) {
		if (request->len + *data_len > BODY_MAX)
			request->too_long = true;
		if (!request->too_long) {
			request->body = xrealloc(request->body, request->len + *data_len + 1, 1);
			memcpy(request->body + request->len, data, *data_len);
			request->body[request->len + *data_len] = '\0';
		}
		request->len += *data_len;
		*data_len = 0;
		return MHD_YES;
	}
	route(server, conn, method, url, request, &answer);
	answer.len = answer.blob >= 0 ? (size_t)answer.blob : strlen(answer.text);
	log_request(server, conn, method, url, request, &answer);
	return send_answer(server, conn, &answer);
}

static void on_completed(void *arg, struct MHD_Connection *conn, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct request *request = *state;

	(void)arg, (void)conn, (void)why;
	if (request)
		free(request->body);
	free(request);
}

static void on_connection(void *arg, struct MHD_Connection *conn, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct server *server = arg;
	struct connection *connection;

	(void)conn;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		free(*context);
		return;
	}
	connection = xcalloc(1, sizeof(*connection));
	connection->id = ++server->connections;
	*context = connection;
}

static char *read_file(const char *path)
{
	FILE *f = path ? fopen(path, "r") : NULL;
	char *text = NULL;
	size_t len = 0;

	if (!f || getdelim(&text, &len, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

static int fail(const char *what, const char *name)
{
	fprintf(stderr, "keybroker-server: %s %s\n", what, name);
	return 1;
}

/* Serves until SIGINT or SIGTERM. */
static int serve(struct server *server)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)server->port) };
	char *cert = read_file(server->tls_cert), *key = read_file(server->tls_key);
	unsigned int flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO |
			     (server->tls_cert ? MHD_USE_TLS : 0);
	struct MHD_Daemon *daemon = NULL;
	sigset_t set;
	int ret = 1, sig;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (server->tls_cert && (!cert || !key)) {
		fail("cannot read the certificate or key", server->tls_cert);
	} else if (inet_pton(AF_INET, server->addr, &addr.sin_addr) != 1) {
		fail("not an IPv4 address:", server->addr);
	} else {
		daemon = MHD_start_daemon(flags, (uint16_t)server->port, NULL, NULL, on_request,
					  server, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&addr,
					  MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
					  MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
					  cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, cert,
					  MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_END);
		if (!daemon)
			fail("cannot listen on", server->addr);
	}
	if (daemon) {
		const union MHD_DaemonInfo *bound =
			MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);

		server->port = bound->port;
		info(server,
		     "starting service: \"keybroker-server\", workers: 1, listening on: %s:%u",
		     server->addr, server->port);
		printf("listening on %s:%u\n", server->addr, server->port);
		fflush(stdout);
		sigwait(&set, &sig);
		MHD_stop_daemon(daemon);
		ret = 0;
	}
	free(cert);
	free(key);
	return ret;
}

static int usage(FILE *to)
{
	fputs("usage: keybroker-server [options]\n"
	      "  -a, --addr ADDR              listen on this IPv4 address (default: 127.0.0.1)\n"
	      "  -p, --port PORT              and this port; 0 picks a free one (default: 8088)\n"
	      "  -e, --endpoint URL           where clients reach it, without the port\n"
	      "  -m, --mock-challenge         issue the example token's challenge\n"
	      "      --reference-values FILE  accept evidence with these measurements only\n"
	      "  -v, --verbosity              say what happens; -q, --quiet: say nothing\n"
	      "      --tls-cert FILE --tls-key FILE   speak https (PEM)\n"
	      "      --log FILE               write one JSON line per request\n"
	      "      --close-after N          break the connection after N bytes of an answer's "
	      "body\n"
	      "Prints \"listening on ADDR:PORT\" once it does.  GET /blob/N answers N bytes.\n",
	      to);
	return to == stdout ? 0 : 2;
}

/* Returns 0, or 1 + the status to exit with. */
static int parse(struct server *server, int argc, char **argv)
{
	static const struct option options[] = {
		{ "addr", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "endpoint", required_argument, NULL, 'e' },
		{ "mock-challenge", no_argument, NULL, 'm' },
		{ "verbosity", no_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "reference-values", required_argument, NULL, 'r' },
		{ "tls-cert", required_argument, NULL, 'C' },
		{ "tls-key", required_argument, NULL, 'K' },
		{ "log", required_argument, NULL, 'L' },
		{ "close-after", required_argument, NULL, 'X' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "a:p:e:mvqh", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			server->addr = optarg;
			break;
		case 'p':
			server->port = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'e':
			server->endpoint = optarg;
			break;
		case 'm':
			server->mock_challenge = true;
			break;
		case 'v':
			server->verbosity++;
			break;
		case 'q':
			server->verbosity = -100;
			break;
		case 'r':
			server->reference_values = optarg;
			break;
		case 'C':
			server->tls_cert = optarg;
			break;
		case 'K':
			server->tls_key = optarg;
			break;
		case 'L':
			server->log = fopen(optarg, "a");
			if (!server->log)
				return 1 + fail("cannot write", optarg);
			break;
		case 'X':
			server->close_after = strtol(optarg, NULL, 10);
			break;
		default:
			return 1 + usage(c == 'h' ? stdout : stderr);
		}
	}
	return optind == argc && server->port <= 65535 ? 0 : 1 + usage(stderr);
}

int main(int argc, char **argv)
{
	struct server server = { .addr = "127.0.0.1", .port = 8088, .close_after = -1 };
	int ret = parse(&server, argc, argv);

	if (ret == 0) {
		server.broker = broker_new(server.mock_challenge);
		if (server.reference_values &&
		    !broker_read_reference_values(server.broker, server.reference_values))
			ret = fail("cannot read the reference values in", server.reference_values);
		else
			ret = serve(&server);
	} else {
		ret--;
	}
	broker_free(server.broker);
	if (server.log)
		fclose(server.log);
	return ret;
}
