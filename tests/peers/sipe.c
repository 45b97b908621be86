/* tests/peers/sipe.c -- pidgin-sipe without a user interface: tests/interop/sipe.bats
 *
 *   sipe DIR HOST:PORT tcp|tls ntlm|krb5 SECONDS ACCOUNT
 *
 * Signs ACCOUNT (`alice@rte.test,RTE\alice`) on at HOST:PORT with the password of the environment
 * variable SIPE_PASSWORD; without one it is single sign-on, with the ticket cache of KRB5CCNAME.
 * DIR is its user directory; what libpurple and the plugin have to say, with every SIP message in
 * clear, goes to DIR/debug. Prints one line per happening:
 *
 *   connecting | signed-on | signed-off
 *   im WHO TEXT          an instant message came
 *   sent WHO TEXT        one of ours is on its way
 *   notice WHO TEXT      what a user would read in the conversation's window, such as a failure
 *   error NUMBER TEXT    the connection ended, a PurpleConnectionError
 *
 * and takes orders on standard input: `im WHO TEXT` and `quit`; its end is `quit`, too. Ends 0
 * after an orderly sign-off, 1 after an error, 3 when SECONDS are over. */
#include <glib.h>
#include <libpurple/purple.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Debian has the plugin outside of libpurple's own search path. */
#ifndef SIPE_PLUGINS
#define SIPE_PLUGINS "/usr/lib/purple-2"
#endif

struct sipe {
	GMainLoop *loop;
	PurpleAccount *account;
	FILE *debug;
	bool online, quits;
	int status;
};

static struct sipe sipe; /* libpurple's operations carry no argument */

/* ---- the event loop: GLib's, as the operations of libpurple want it */

struct input {
	PurpleInputFunction fn;
	gpointer arg;
};

static gboolean on_input(GIOChannel *channel, GIOCondition condition, gpointer arg)
{
	const struct input *in = arg;
	int what = 0;

	if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR))
		what |= PURPLE_INPUT_READ;
	if (condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL))
		what |= PURPLE_INPUT_WRITE;
	in->fn(in->arg, g_io_channel_unix_get_fd(channel), (PurpleInputCondition)what);
	return TRUE;
}

static guint input_add(int fd, PurpleInputCondition what, PurpleInputFunction fn, gpointer arg)
{
	GIOChannel *channel = g_io_channel_unix_new(fd);
	struct input *in = g_new0(struct input, 1);
	int condition = 0;
	guint id;

	in->fn = fn;
	in->arg = arg;
	if (what & PURPLE_INPUT_READ)
		condition |= G_IO_IN | G_IO_HUP | G_IO_ERR;
	if (what & PURPLE_INPUT_WRITE)
		condition |= G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL;
	id = g_io_add_watch_full(
		channel, G_PRIORITY_DEFAULT, (GIOCondition)condition, on_input, in, g_free);
	g_io_channel_unref(channel);
	return id;
}

static PurpleEventLoopUiOps loop_ops = {
	.timeout_add = g_timeout_add,
	.timeout_remove = g_source_remove,
	.input_add = input_add,
	.input_remove = g_source_remove,
	.timeout_add_seconds = g_timeout_add_seconds,
};

/* ---- what happens, a line each */

static void say(const char *what, const char *who, const char *text)
{
	char *line = g_strdup_printf("%s %s %s", what, who, text);

	g_strdelimit(line, "\r\n", ' ');
	printf("%s\n", line);
	g_free(line);
}

static void on_conversation(PurpleConversation *c, const char *name, const char *alias,
	const char *message, PurpleMessageFlags flags, time_t when)
{
	char *text = purple_markup_strip_html(message);
	const char *who = name ? name : purple_conversation_get_name(c);

	(void)alias;
	(void)when;
	if (flags & PURPLE_MESSAGE_RECV)
		say("im", who, text);
	else if (flags & PURPLE_MESSAGE_SEND)
		say("sent", purple_conversation_get_name(c), text);
	else
		say("notice", purple_conversation_get_name(c), text);
	g_free(text);
}

static PurpleConversationUiOps conversation_ops = { .write_conv = on_conversation };

static void on_notice(const char *title, const char *primary, const char *secondary)
{
	(void)title;
	say("notice", "-", primary ? primary : "");
	if (secondary)
		say("notice", "-", secondary);
}

static void *notify_message(
	PurpleNotifyMsgType type, const char *title, const char *primary, const char *secondary)
{
	(void)type;
	on_notice(title, primary, secondary);
	return NULL;
}

static PurpleNotifyUiOps notify_ops = { .notify_message = notify_message };

static void leave(int status)
{
	sipe.status = status;
	g_main_loop_quit(sipe.loop);
}

static void on_signed_on(PurpleConnection *gc, gpointer arg)
{
	(void)gc;
	(void)arg;
	sipe.online = true;
	printf("signed-on\n");
}

static void on_signed_off(PurpleConnection *gc, gpointer arg)
{
	(void)gc;
	(void)arg;
	printf("signed-off\n");
	sipe.online = false;
	if (sipe.quits)
		leave(0);
}

static void on_error(
	PurpleConnection *gc, PurpleConnectionError error, const char *text, gpointer arg)
{
	char number[12];

	(void)gc;
	(void)arg;
	snprintf(number, sizeof(number), "%d", (int)error);
	say("error", number, text ? text : "");
	leave(1);
}

/* ---- its debug output */

/* libpurple prints, and the plugin has SIP messages printed only while libpurple prints. */
static void on_print(const gchar *text)
{
	fputs(text, sipe.debug);
	fflush(sipe.debug);
}

/* GLib's own words belong there, too: nothing but happenings on standard output. */
static void on_log(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer arg)
{
	(void)level;
	(void)arg;
	fprintf(sipe.debug, "%s: %s\n", domain ? domain : "-", text);
}

/* ---- orders */

static void quit(void)
{
	sipe.quits = true;
	if (sipe.online)
		purple_account_disconnect(sipe.account);
	else
		leave(0);
}

static void send_im(const char *who, const char *text)
{
	PurpleConversation *c =
		purple_find_conversation_with_account(PURPLE_CONV_TYPE_IM, who, sipe.account);
	char *markup = g_markup_escape_text(text, -1);

	if (!c)
		c = purple_conversation_new(PURPLE_CONV_TYPE_IM, sipe.account, who);
	purple_conv_im_send(PURPLE_CONV_IM(c), markup);
	g_free(markup);
}

static void take_order(char *line)
{
	char *who = strchr(line, ' '), *text = who ? strchr(who + 1, ' ') : NULL;

	if (strcmp(line, "quit") == 0) {
		quit();
	} else if (strncmp(line, "im ", 3) == 0 && text) {
		*text = '\0';
		send_im(who + 1, text + 1);
	} else {
		printf("order? %s\n", line);
	}
}

static gboolean on_order(GIOChannel *in, GIOCondition condition, gpointer arg)
{
	gchar *line = NULL;
	gsize end = 0;

	(void)condition;
	(void)arg;
	if (g_io_channel_read_line(in, &line, NULL, &end, NULL) != G_IO_STATUS_NORMAL) {
		quit();
		return FALSE;
	}
	line[end] = '\0';
	take_order(line);
	g_free(line);
	return TRUE;
}

static gboolean on_time(gpointer arg)
{
	(void)arg;
	leave(3);
	return FALSE;
}

/* ---- begin */

static void begin_core(const char *dir)
{
	purple_util_set_user_dir(dir);
	g_set_print_handler(on_print);
	purple_debug_set_enabled(TRUE);
	purple_debug_set_unsafe(TRUE); /* the text of messages counts as that */
	purple_eventloop_set_ui_ops(&loop_ops);
	purple_conversations_set_ui_ops(&conversation_ops);
	purple_notify_set_ui_ops(&notify_ops);
	purple_plugins_add_search_path(SIPE_PLUGINS);
	if (!purple_core_init("rte-test")) {
		fprintf(stderr, "sipe: libpurple does not start\n");
		exit(2);
	}
	purple_set_blist(purple_blist_new());
	purple_prefs_load();
	if (!purple_find_prpl("prpl-sipe")) {
		fprintf(stderr, "sipe: no protocol prpl-sipe in " SIPE_PLUGINS "\n");
		exit(2);
	}
}

static void begin_signals(void)
{
	static int handle;
	void *connections = purple_connections_get_handle();

	purple_signal_connect(
		connections, "signed-on", &handle, PURPLE_CALLBACK(on_signed_on), NULL);
	purple_signal_connect(
		connections, "signed-off", &handle, PURPLE_CALLBACK(on_signed_off), NULL);
	purple_signal_connect(
		connections, "connection-error", &handle, PURPLE_CALLBACK(on_error), NULL);
}

static void begin_account(char *argv[])
{
	const char *password = getenv("SIPE_PASSWORD");
	PurpleAccount *a = purple_account_new(argv[6], "prpl-sipe");

	if (password) {
		purple_account_set_remember_password(a, FALSE);
		purple_account_set_password(a, password);
	}
	purple_account_set_bool(a, "sso", !password);
	purple_account_set_string(a, "server", argv[2]);
	purple_account_set_string(a, "transport", argv[3]);
	purple_account_set_string(a, "authentication", argv[4]);
	purple_account_set_bool(a, "dont-publish", TRUE);
	purple_accounts_add(a);
	sipe.account = a;
	printf("connecting\n");
	purple_account_set_enabled(a, "rte-test", TRUE);
	purple_savedstatus_activate(purple_savedstatus_new(NULL, PURPLE_STATUS_AVAILABLE));
}

int main(int argc, char *argv[])
{
	GIOChannel *in;
	char *debug;

	if (argc != 7) {
		fprintf(stderr, "usage: sipe DIR HOST:PORT tcp|tls ntlm|krb5 SECONDS ACCOUNT\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir(argv[1], 0700);
	debug = g_build_filename(argv[1], "debug", NULL);
	sipe.debug = fopen(debug, "w");
	g_free(debug);
	if (!sipe.debug) {
		perror("sipe: debug");
		return 2;
	}
	g_log_set_default_handler(on_log, NULL);
	sipe.loop = g_main_loop_new(NULL, FALSE);
	begin_core(argv[1]);
	begin_signals();
	in = g_io_channel_unix_new(0);
	g_io_add_watch(in, G_IO_IN | G_IO_HUP | G_IO_ERR, on_order, NULL);
	g_timeout_add_seconds((guint)strtoul(argv[5], NULL, 10), on_time, NULL);
	begin_account(argv);
	g_main_loop_run(sipe.loop);
	return sipe.status;
}
