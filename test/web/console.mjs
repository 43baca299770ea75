// SPDX-License-Identifier: Apache-2.0
// Drives every page of the console in Chromium against a real `koban serve` whose store was filled
// through its ingest socket. ONLY=regex runs some of it (the first start is needed by the rest).
import { finish, note } from './tap.mjs';

const { browser, sensor, server } = await import('./parts/stage.mjs');
for (const part of ['begin', 'findings', 'pages', 'images', 'whole']) await import(`./parts/${part}.mjs`);

sensor.close();
await browser.close();
const { code, signal } = await server.stop();
if (code !== 0) note(`koban serve ended with ${code ?? signal}`);
finish();
