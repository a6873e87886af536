import type { DetectResponse } from './contract.ts';

export interface ClassifyParameters {
  [name: string]: string | number | boolean | undefined;
}

/** What is known of one attribute of a vehicle. */
export interface AttributePrediction {
  attribute_name: string;
  predicted_value: string | number;
  confidence: number;
  /** The five most probable labels. */
  raw_probabilities: Record<string, number>;
  confidence_metrics: {
    confidence: number;
    rank_1_accuracy: number;
    rank_2_accuracy: number;
    uncertainty: number;
    is_confident: boolean;
  };
}

export interface Classification {
  /** By attribute; one without a model is absent. */
  predictions: Record<string, AttributePrediction>;
  overall_confidence: number;
  processing_time_ms: number;
  model_version: string;
  timestamp: string;
  is_vehicle: boolean;
  warnings: unknown[];
  image: DetectResponse['image'];
  cached: boolean;
  request_id: string;
}

export interface ClassifyResponse {
  status: 'success';
  timestamp: string;
  data: Classification;
}

export interface VehicleReport {
  status: 'success';
  timestamp: string;
  data: {
    vehicle_id: string;
    report_date: string;
    classification_results: Classification;
    summary: string;
    confidence_score: number;
    recommendations: string[];
    metadata: Record<string, unknown>;
  };
}

export interface ModelsResponse {
  status: 'success';
  timestamp: string;
  data: {
    version: string;
    pipeline_initialized: boolean;
    cached_models: string[];
    supported_attributes: string[];
    supported_formats: string[];
    max_image_size: number;
    cached_reports: number;
    models: Record<string, unknown>[];
  };
}
