import { describe } from 'vitest';
import { startSwiftServer, swiftMissing } from '../fixtures/swift-server.ts';
import { worksWithS3 } from './s3-behaviours.ts';

const isWanted = process.env.EDGESIFT_THOROUGH === '1' && !swiftMissing('S3 against OpenStack Swift');

describe.runIf(isWanted)('OpenStack Swift', () => worksWithS3(startSwiftServer));
