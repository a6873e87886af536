/** `npm run client`: the npm package `edgesift` in client/dist, ready for `npm pack`. */
import { buildPackage, PACKAGE_FOLDER } from '../client/packaging/build-package.ts';

await buildPackage();
process.stdout.write(`✓ ${PACKAGE_FOLDER}: npm pack makes the package of it\n`);
