// SPDX-License-Identifier: Apache-2.0
// Images as the API has them, and what their words mean for the eye.
export const VERDICTS = ['malicious', 'suspicious', 'risky', 'unknown', 'clean'] as const;
export type Verdict = (typeof VERDICTS)[number];
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type ImageSeverity = (typeof SEVERITIES)[number];

export interface ImageRow {
	id: string;
	ref: string;
	name: string;
	digest: string;
	platform: string;
	verdict: Verdict;
	reason: string;
	labels: string[];
	findings: Record<ImageSeverity, number>;
	system: string;
	layers: number;
	size_bytes: number;
	files: number;
	packages: number;
	scanned: string | null;
}

export interface Pair {
	key: string;
	value: string;
}

/* Members that are empty are left out of a report. */
export interface ImageFinding {
	check: string;
	label: string;
	severity: ImageSeverity;
	confidence?: number;
	title: string;
	mend?: string;
	place: string;
	path?: string;
	index?: number;
	layer?: number;
	line?: number;
	excerpt?: string;
	created_by?: string;
	reach?: string;
	deleted_in?: number;
	facts?: Pair[];
	is_ignored?: boolean;
	ignored_why?: string;
}

export interface ImageLayer {
	digest?: string;
	diff_id?: string;
	created_by?: string;
	size?: number;
	unpacked_size?: number;
	nfiles?: number;
	from_cache?: boolean;
}

export interface ImagePackage {
	type: string;
	name: string;
	version?: string;
	path?: string;
	layer?: number;
	deleted_in?: number;
	purl?: string;
}

export interface ImageReport {
	image: { layers?: ImageLayer[] };
	distro?: { pretty_name?: string; id?: string; end_of_life?: string; is_ended?: boolean };
	findings?: ImageFinding[];
	packages?: ImagePackage[];
	coverage?: {
		files?: number;
		bytes?: number;
		archives?: number;
		gaps?: { what: string; why: string; count?: number; is_serious?: boolean }[];
	};
	scanner?: string;
}

export interface ImageDetail extends ImageRow {
	left_out: boolean;
	report: ImageReport;
}

export interface ImageScan {
	number: number;
	ref: string;
	by: string;
	state: 'waiting' | 'running' | 'done' | 'failed';
	percent: number;
	problem: string;
	asked: string | null;
	ended: string | null;
}

export interface SurveyRow {
	name: string;
	images: number;
	share: number;
	low: number;
	high: number;
	label_share?: number;
}

export interface Survey {
	taken: string | null;
	survey: null | {
		images: number;
		names: number;
		failed: number;
		malicious: number;
		flagged: number;
		tables: Record<string, { title: string; of: string; base: number; rows: SurveyRow[] }>;
	};
}

/* Of what a badge says: the class by which it is coloured. */
export const verdictTone = (v: Verdict) =>
	v === 'clean' ? 'good' : v === 'malicious' || v === 'suspicious' ? 'bad' : 'warn';

export const worst = (row: ImageRow) => SEVERITIES.find((s) => row.findings[s] > 0);

/* "cryptomining" → "Cryptomining" */
export const spoken = (label: string) =>
	label.charAt(0).toUpperCase() + label.slice(1).replace(/-/g, ' ');

/* "layer 2 /opt/x:3", "ENV 1": where a finding is. */
export function placeOf(f: ImageFinding): string {
	const n = (f.index ?? 0) + 1;
	switch (f.place) {
		case 'file':
			return `${f.path ?? ''}${f.line ? `:${f.line}` : ''}`;
		case 'history':
			return `build step ${n}`;
		case 'env':
			return `ENV ${n}`;
		case 'label':
			return `LABEL ${n}`;
		case 'entrypoint':
			return 'ENTRYPOINT and CMD';
		case 'name':
			return 'the name';
		case 'run':
			return 'while it ran';
		default:
			return 'the settings';
	}
}

const REACH: Record<string, string> = {
	entrypoint: 'Started with the container',
	cron: 'Started by cron',
	service: 'Started as a service',
	login: 'Used at login',
	preload: 'Loaded into every program',
	none: 'Nothing in the image starts it',
};
export const reachOf = (f: ImageFinding) => (f.reach ? REACH[f.reach] : undefined);
