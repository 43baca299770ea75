// SPDX-License-Identifier: Apache-2.0
// Rule texts: a draft to begin with, a file name for what was written. Pure.
import type { Rule } from './types';

export const EMPTY_RULE = (technique = '') => `- rule: Shell in a container
  desc: >
    Somebody started an interactive shell in a container.
  condition: >
    evt.type in (execve, execveat) and evt.arg.res = 0
    and container.id != host
    and proc.name in (bash, dash, sh, zsh)
    and proc.tty != 0
  output: >
    Shell in a container (shell=%proc.name parent=%proc.pname user=%user.name
    container=%container.name image=%container.image.repository command=%proc.cmdline)
  priority: NOTICE
  tags: [container, shell${technique ? `, ${technique}` : ''}]
`;

const fold = (text: string) =>
	text
		.trim()
		.split('\n')
		.map((l) => `    ${l.trim()}`)
		.join('\n');

/* A rule's text from its parts, when its file could not be read. */
export function draftOf(r: Rule): string {
	return `- rule: ${r.name}
  desc: >
${fold(r.desc || 'What it means when this fires.')}
  condition: >
${fold(r.condition || 'never_true')}
  output: >
${fold(r.output || r.name)}
  priority: ${r.priority.toUpperCase()}
  tags: [${(r.tags ?? []).join(', ')}]
`;
}

/* 'Read shadow, twice' to 'read-shadow-twice.yaml': named after its first rule. */
export function fileNameOf(text: string): string {
	const name = /^- (?:rule|macro|list):\s*(.+)$/m.exec(text)?.[1] ?? 'rules';
	const slug = name
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, '-')
		.replace(/^-+|-+$/g, '')
		.slice(0, 60);
	return `${slug || 'rules'}.yaml`;
}
