/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The verbs of `koban VERB …`. Each returns the exit code: 0, 1 (findings, --fail-on) or 2. */
int cmd_up(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_capture(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_fields(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_read(int argc, char **argv);
int cmd_image(int argc, char **argv);
int cmd_store(int argc, char **argv);
int cmd_chisels(int argc, char **argv);
int cmd_image(int argc, char **argv);
