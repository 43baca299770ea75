// SPDX-License-Identifier: Apache-2.0
// Findings counted by what they have in common.
import { whole } from '../lib/format';
import { useQuery } from '../lib/query';
import { setQuery } from '../lib/router';
import type { Group, List } from '../lib/types';
import { Ago, Empty, Failed, Loading } from '../ui/parts';
import { Rows, useNarrow } from '../ui/rows';
import { Severity } from '../ui/severity';

/* The list behind a group. */
const groupLink = (by: string, key: string) => ({ group: null, [by]: key });

export function Groups({
	query: q,
	by,
}: {
	query: ReturnType<typeof useQuery<List<Group>>>;
	by: string;
}) {
	const narrow = useNarrow();
	if (q.error) return <Failed error={q.error} retry={q.reload} />;
	if (!q.data) return <Loading rows={12} />;
	if (!q.data.items.length)
		return (
			<Empty
				icon="findings"
				title="No finding fits"
				action={
					<a class="button" href="/findings?state=all">
						Show every finding
					</a>
				}
			/>
		);
	const top = Math.max(...q.data.items.map((g) => g.findings));
	// Findings without a container (user …) have no key to ask for.
	const open = (g: Group) => g.key && setQuery(groupLink(by, g.key), false);
	return (
		<Rows
			label={`Findings by ${by}`}
			class="groups"
			rows={q.data.items}
			id={(g) => g.key}
			height={narrow ? 58 : 36}
			open={open}
			head={
				<>
					<span role="columnheader">
						<span class="sr">Worst priority</span>
					</span>
					<span role="columnheader">{by[0]!.toUpperCase() + by.slice(1)}</span>
					<span role="columnheader">Findings</span>
					<span role="columnheader" class="num">
						Open
					</span>
					<span role="columnheader">First</span>
					<span role="columnheader">Last</span>
				</>
			}
			cells={(g) => (
				<>
					<span role="gridcell">
						<Severity of={g.worst_priority} />
					</span>
					<span role="gridcell" class="c-key">
						<button class="plain" tabIndex={-1} onClick={() => open(g)}>
							{g.name || g.key || <i class="faint">none</i>}
						</button>
					</span>
					<span role="gridcell" class="c-bar">
						<b>{whole(g.findings)}</b>
						<span class="bar">
							<span style={{ width: `${(g.findings / top) * 100}%` }} />
						</span>
					</span>
					<span role="gridcell" class="num">
						{whole(g.open)}
					</span>
					<span role="gridcell" class="c-time">
						<Ago time={g.first} />
					</span>
					<span role="gridcell" class="c-time">
						<Ago time={g.last} />
					</span>
				</>
			)}
		/>
	);
}
