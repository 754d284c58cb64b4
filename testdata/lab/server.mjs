// Starts a Jupyter server of its own for a check, and ends it with everything
// that it started.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

async function freePort() {
  return new Promise((resolve, reject) => {
    const s = createServer();
    s.on('error', reject);
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

// quiet settings keep news and other questions out of the pictures.
async function settings() {
  const dir = await mkdtemp(join(tmpdir(), 'govle-lab-settings-'));
  const folder = join(dir, '@jupyterlab', 'apputils-extension');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'notification.jupyterlab-settings'),
    JSON.stringify({ fetchNews: 'false', checkForUpdates: false, doNotDisturbMode: true }));
  return dir;
}

// start runs `jupyter APP` (lab or notebook) on root and waits until it answers.
export async function start(jupyter, app, root) {
  const port = await freePort();
  const token = randomBytes(16).toString('hex');
  const userSettings = await settings();
  const log = [];
  const child = spawn(jupyter, [
    app, '--no-browser', '--allow-root', '--ip=127.0.0.1', `--port=${port}`,
    `--IdentityProvider.token=${token}`, `--ServerApp.root_dir=${root}`,
    '--ServerApp.shutdown_no_activity_timeout=600', `--LabServerApp.user_settings_dir=${userSettings}`,
    `--LabServerApp.workspaces_dir=${join(userSettings, 'workspaces')}`,
  ], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (d) => { log.push(d); if (log.length > 500) log.shift(); });
  }
  let ended = false;
  const gone = new Promise((resolve) => child.on('exit', () => { ended = true; resolve(); }));
  const url = `http://127.0.0.1:${port}`;

  async function api(path, options = {}) {
    const r = await fetch(`${url}/api/${path}`, { ...options, headers: { Authorization: `token ${token}` } });
    if (!r.ok) throw new Error(`${path}: HTTP ${r.status}`);
    return r.status === 204 ? null : r.json();
  }

  async function stop() {
    await rm(userSettings, { recursive: true, force: true });
    if (ended) return;
    // Kernels first, in order, so that none is left without a parent.
    for (const k of await api('kernels').catch(() => [])) {
      await api(`kernels/${k.id}`, { method: 'DELETE' }).catch(() => {});
    }
    process.kill(-child.pid, 'SIGTERM');
    await Promise.race([gone, sleep(10_000)]);
    if (!ended) process.kill(-child.pid, 'SIGKILL');
  }

  for (let i = 0; ; i++) {
    if (ended || i > 240) {
      await stop();
      throw new Error(`jupyter ${app} did not start:\n${Buffer.concat(log).toString().slice(-4000)}`);
    }
    try { await api('status'); break; } catch { await sleep(250); }
  }
  return { url, token, api, stop, log: () => Buffer.concat(log).toString() };
}
