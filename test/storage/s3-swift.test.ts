import { describe } from 'vitest';
import { startSwiftServer, swiftMissing } from '../fixtures/swift-server.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import { worksWithS3 } from './s3-behaviours.ts';

const isWanted = IS_THOROUGH && !swiftMissing('S3 against OpenStack Swift');

describe.runIf(isWanted)(inThorough('OpenStack Swift'), () => worksWithS3(startSwiftServer));
