import manifest from '../package.json' with { type: 'json' };

export const SERVICE_NAME = 'edgesift';
/** As in package.json, the one place that states it. */
export const SERVICE_VERSION = manifest.version;
