/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets' analyzer masks what it quotes. Others quote the same lines for reasons of their own,
 * and the report carries the whole config. Here both learn what is secret.
 */
#include "scan/image/redact.h"

enum { NEAR_BYTES = 512 }; /* more than an excerpt is long */

static bool is_secret(const struct artifact_finding *f)
{
	return f->label == LABEL_SECRETS || str_is(f->check, "config-secret-name");
}

static bool is_near(const struct artifact_finding *a, const struct artifact_finding *b)
{
	uint64_t apart = a->offset > b->offset ? a->offset - b->offset : b->offset - a->offset;

	if (a->place != b->place)
		return false;
	if (a->place != PLACE_FILE)
		return a->index == b->index;
	return str_eq(a->path, b->path) &&
	       ((a->line && a->line == b->line) || apart < NEAR_BYTES || !a->offset || !b->offset);
}

void redact_findings(struct artifact_finding *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_secret(&list[i]))
			continue;
		for (size_t k = 0; k < n; k++)
			if (k != i && list[k].excerpt.len && is_near(&list[i], &list[k]))
				list[k].excerpt = STR("(beside a secret: not shown)");
	}
}

static struct str mask_value(struct str text, struct arena *a)
{
	ptrdiff_t at = str_find_char(text, '=');

	return arena_printf(
		a, "%.*s(redacted)", STR_ARG(str_head(text, at < 0 ? 0 : (size_t)at + 1)));
}

/* What a step did is of use; its words with values are not. */
static struct str mask_step(struct str text, struct arena *a)
{
	struct str first = str_cut(&text, ' '); /* "RUN", "COPY"; masked twice it is the same */

	return arena_printf(a, "%.*s (redacted: it holds a secret)", STR_ARG(str_head(first, 40)));
}

static void mask_entry(struct artifact_config *c, const struct artifact_finding *f, struct arena *a)
{
	size_t i = f->index;

	if (f->place == PLACE_ENV && i < c->nenv) {
		struct str *env = (struct str *)c->env;

		env[i] = mask_value(env[i], a);
	} else if (f->place == PLACE_LABEL && i < c->nlabels) {
		((struct artifact_pair *)c->labels)[i].value = STR("(redacted)");
	} else if (f->place == PLACE_HISTORY && i < c->nhistory) {
		struct artifact_step *step = (struct artifact_step *)&c->history[i];

		step->created_by = mask_step(step->created_by, a);
		step->comment = STR_NULL;
	} else if (f->place == PLACE_ENTRYPOINT) {
		for (size_t k = 0; k < c->nentrypoint; k++)
			((struct str *)c->entrypoint)[k] = STR("(redacted)");
		for (size_t k = 0; k < c->ncmd; k++)
			((struct str *)c->cmd)[k] = STR("(redacted)");
	}
}

/* The steps that made a layer are the layers, in order; else nobody knows which is whose. */
static void tell_layers(struct artifact_image *image)
{
	const struct artifact_config *c = &image->config;
	size_t n = 0;

	for (size_t i = 0; i < c->nhistory; i++)
		n += !c->history[i].is_empty;
	for (size_t i = 0, k = 0; i < c->nhistory && k < image->nlayers; i++) {
		struct artifact_layer *layer = (struct artifact_layer *)&image->layers[k];

		if (c->history[i].is_empty)
			continue;
		layer->created_by = n == image->nlayers ? c->history[i].created_by : STR_NULL;
		k++;
	}
}

void redact_image(struct artifact_image *image, const struct artifact_finding *list, size_t n,
	struct arena *a)
{
	for (size_t i = 0; i < n; i++)
		if (is_secret(&list[i]))
			mask_entry(&image->config, &list[i], a);
	tell_layers(image);
}
