// SPDX-License-Identifier: Apache-2.0
// System: the sensor, the store, who may come in, what was done.
import { may } from '../lib/api';
import { query, setQuery } from '../lib/router';
import { Page, Segments } from '../ui/parts';
import { SensorTab } from '../system/sensor';
import { Storage } from '../system/storage';
import { Users, Tokens, AuditLog } from '../system/accounts';

type Tab = 'sensor' | 'storage' | 'users' | 'tokens' | 'audit';

const TABS: { value: Tab; label: string; admin?: boolean }[] = [
	{ value: 'sensor', label: 'Sensor' },
	{ value: 'storage', label: 'Storage' },
	{ value: 'users', label: 'Users', admin: true },
	{ value: 'tokens', label: 'Tokens', admin: true },
	{ value: 'audit', label: 'Audit', admin: true },
];

const BODY: Record<Tab, () => preact.JSX.Element> = {
	sensor: SensorTab,
	storage: Storage,
	users: Users,
	tokens: Tokens,
	audit: AuditLog,
};

export default function System() {
	const asked = (query.value.get('tab') ?? 'sensor') as Tab;
	const tabs = TABS.filter((t) => !t.admin || may('admin'));
	const tab = tabs.some((t) => t.value === asked) ? asked : 'sensor';
	const Body = BODY[tab];
	return (
		<Page
			title="System"
			tools={
				<Segments
					label="Part"
					value={tab}
					choices={tabs}
					choose={(v) => setQuery({ tab: v === 'sensor' ? null : v }, false)}
				/>
			}
		>
			<Body />
		</Page>
	);
}
