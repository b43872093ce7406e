"""Reads a model card as Hugging Face does, and prints what it understood."""

import json
import sys

from huggingface_hub import ModelCard

card = ModelCard(open(sys.argv[1], encoding="utf-8").read())
results = [
    {"metric": result.metric_type, "value": result.metric_value, "task": result.task_type, "data": result.dataset_name}
    for result in card.data.eval_results or []
]
print(json.dumps({"name": card.data.model_name, "tags": card.data.tags, "library": card.data.library_name, "results": results, "text": card.text}))
