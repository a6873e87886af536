import { MAX_BATCH_IMAGES, MAX_BATCH_LENGTH_IN_IMAGES } from '../../shared/contract/batch.ts';

/** Bodies that a route accepts: an image, or a multipart form with one or more images. */
export interface ImageForm {
  /** Fields of the form that hold images; the first is the one that messages name. */
  fields: readonly [string, ...string[]];
  /** Most images in one form. */
  maxImages: number;
  /** A form may be as long as this many images of the largest size. */
  maxLengthInImages: number;
  /** Whether the body may be the image itself, with `Content-Type: image/*`. */
  acceptsRawImage: boolean;
  /** The hint for a client that sends something else. */
  invitation: string;
}

/** One image, in the field `image` or `file`. */
export const SINGLE_IMAGE: ImageForm = {
  fields: ['image', 'file'],
  maxImages: 1,
  maxLengthInImages: 1,
  acceptsRawImage: true,
  invitation:
    'Send the image as multipart/form-data in the field "image", or as the raw body with Content-Type: image/*.',
};

/** Many images, in the repeated field `images`. */
export const IMAGE_BATCH: ImageForm = {
  fields: ['images'],
  maxImages: MAX_BATCH_IMAGES,
  maxLengthInImages: MAX_BATCH_LENGTH_IN_IMAGES,
  acceptsRawImage: false,
  invitation: 'Send multipart/form-data with one field "images" for each image.',
};

/** One image of a vehicle, in the field `file` or `image`. */
export const VEHICLE_IMAGE: ImageForm = {
  ...SINGLE_IMAGE,
  fields: ['file', 'image'],
  invitation:
    'Send the image as multipart/form-data in the field "file", or as the raw body with Content-Type: image/*.',
};

/** Many images of vehicles, in the repeated field `files`. */
export const VEHICLE_BATCH: ImageForm = {
  ...IMAGE_BATCH,
  fields: ['files'],
  invitation: 'Send multipart/form-data with one field "files" for each image.',
};
