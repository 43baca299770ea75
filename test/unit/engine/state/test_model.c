/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 200,000 random events against a model that is too simple to be wrong: an array of lives, never
 * freed, searched from end to end.
 */
#include "events.h"

enum { OPS = 200000, PIDS = 300, LIVES = 60000, CHECK_EVERY = 2000 };

struct life {
	uint32_t pid, ppid, uid;
	uint64_t start;
	int parent; /* a life, or -1 */
	unsigned exe, cwd;
	bool alive;
};

static struct life lives[LIVES];
static int nlives;
static int now[PIDS]; /* the living one of a pid, or -1 */
static char texts[1000][64];

static uint32_t rnd(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

static void died(int life, uint32_t reaper)
{
	lives[life].alive = false;
	now[lives[life].pid] = -1;
	for (int i = 0; i < nlives; i++)
		if (lives[i].parent == life && lives[i].ppid == lives[life].pid)
			lives[i].ppid = reaper;
}

static int born(uint32_t pid, uint64_t start, int parent)
{
	struct life *l = &lives[nlives];

	if (now[pid] >= 0)
		died(now[pid], 1); /* unseen: its children went to init, as far as one can tell */
	*l = parent >= 0 ? lives[parent] : (struct life){.uid = UINT32_MAX};
	l->pid = pid;
	l->start = start;
	l->parent = parent;
	l->ppid = parent >= 0 ? lives[parent].pid : 0;
	l->alive = true;
	now[pid] = nlives;
	return nlives++;
}

static void same(const struct process *p, const struct life *l)
{
	assert_non_null(p);
	assert_int_equal(p->pid, l->pid);
	assert_int_equal(p->ppid, l->ppid);
	assert_int_equal(p->uid, l->uid);
	assert_true(p->start_ns == l->start);
	assert_str(p->exepath, l->exe ? texts[l->exe] : "");
	assert_str(p->cwd, l->cwd ? texts[l->cwd] : "");
	assert_true(l->alive == !p->exit_epoch_ns);
}

static void check_all(struct state *s)
{
	static bool kept[LIVES];
	static uint32_t nchildren[LIVES];
	size_t nlive = 0, ndead = 0;

	memset(kept, 0, sizeof(kept));
	memset(nchildren, 0, sizeof(nchildren));
	/* a child comes after its parent: one walk from the end */
	for (int i = nlives - 1; i >= 0; i--) {
		if (lives[i].alive)
			kept[i] = true;
		if (kept[i] && lives[i].parent >= 0) {
			kept[lives[i].parent] = true;
			nchildren[lives[i].parent] += lives[i].alive;
		}
		nlive += lives[i].alive;
		ndead += kept[i] && !lives[i].alive;
	}
	assert_int_equal(state_counters(s).processes, nlive);
	assert_int_equal(state_counters(s).tombstones, ndead);
	for (int i = 0; i < nlives; i++) {
		const struct process *p = state_process_find(s, lives[i].pid, lives[i].start);

		if (!kept[i]) {
			assert_null(p);
			continue;
		}
		same(p, &lives[i]);
		assert_int_equal(p->nchildren, nchildren[i]);
		if (lives[i].parent < 0)
			assert_null(p->parent);
		else
			assert_true(p->parent && p->parent->pid == lives[lives[i].parent].pid &&
				    p->parent->start_ns == lives[lives[i].parent].start);
	}
}

static void step(struct state *s, uint64_t clock)
{
	uint32_t pid = 2 + rnd() % (PIDS - 2), other = 2 + rnd() % (PIDS - 2);
	unsigned what = rnd() % 10, text = 1 + rnd() % 999;
	int life = now[pid];
	struct made_event *m;

	if (life < 0) {
		if (rnd() % 50)
			return;
		life = born(pid, clock, -1); /* nobody saw it start */
		same(apply(s, make(CODE_CLOSE, pid, clock)), &lives[life]);
		return;
	}
	uint64_t start = lives[life].start;

	switch (what) {
	case 0:
	case 1:
	case 2: /* sometimes onto a pid whose exit was lost */
		if (other == pid || (now[other] >= 0 && rnd() % 8))
			return;
		apply(s, make_fork(pid, start, other, clock));
		born(other, clock, life);
		break;
	case 3:
		m = make_exit(pid, start, 1);
		same(apply(s, m), &lives[life]);
		apply(s, make(CODE_CLOSE, 0, 0));
		died(life, 1);
		break;
	case 4:
	case 5:
		m = make_exec(pid, start, texts[text], "x");
		lives[life].exe = text;
		same(apply(s, m), &lives[life]);
		break;
	case 6:
	case 7:
		m = make(CODE_CHDIR, pid, start);
		set_num(m, "res", 0);
		m->ev.cwd = str_of(texts[text]);
		lives[life].cwd = text;
		same(apply(s, m), &lives[life]);
		break;
	default:
		m = make(CODE_CLOSE, pid, start);
		m->ev.uid = lives[life].uid = text;
		same(apply(s, m), &lives[life]);
	}
}

static void model(void **unused)
{
	struct state *s = new_blind_state();
	uint64_t clock = TICK;

	for (int i = 0; i < 1000; i++)
		snprintf(texts[i], sizeof(texts[i]), "/%.*s/%d", i % 50,
			"a/long/path/of/many/parts/that/differ/in/length/all", i);
	for (int i = 0; i < PIDS; i++)
		now[i] = -1;
	for (int i = 0; i < OPS && nlives < LIVES; i++) {
		clock += TICK;
		step(s, clock);
		if (i % CHECK_EVERY == 0)
			check_all(s);
	}
	check_all(s);
	assert_true(nlives > 10000);
	state_free(s);
}

/* The same at a cap: nothing to compare, but nothing may break (see `make asan`). */
static void model_at_cap(void **unused)
{
	struct state *s = new_state((struct state_options){
		.no_proc = true, .max_processes = 128, .max_text_bytes = 16 * 1024});

	for (int i = 0; i < OPS; i++) {
		uint32_t pid = 1 + rnd() % 400, child = 1 + rnd() % 400;
		uint64_t start = (1 + rnd() % 3) * TICK, child_start = (1 + rnd() % 3) * TICK;
		struct process *p;

		switch (rnd() % 6) {
		case 0:
		case 1:
			p = apply(s, make_fork(pid, start, child, child_start));
			break;
		case 2:
			p = apply(s, make_exit(pid, start, child));
			break;
		case 3:
			p = apply(s, make_exec(pid, start, texts[rnd() % 1000], "x"));
			break;
		case 4:
			state_tick(s, s->now_ns + 200000000ULL);
			p = apply(s, make(CODE_CLOSE, pid, 0));
			break;
		default:
			p = apply(s, make(CODE_CLOSE, pid, start));
		}
		assert_non_null(p);
		for (unsigned n = 0; n < 70; n++)
			state_ancestor(p, n);
		struct state_counters n = state_counters(s);
		assert_true(n.processes + n.tombstones <= 128);
	}
	assert_true(state_counters(s).evicted_live > 0);
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model),
		cmocka_unit_test(model_at_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
