"""Trains a textbook AFM or DeepFM in PyTorch; run by an interpreter that has torch."""

import itertools
import json
import sys

import torch
from answer import answer
from torch import nn

job = json.loads(sys.argv[1])
torch.set_num_threads(job["intra"] * job["inter"])
FEATURES = 5400
batch, fields, dim = job["batch"], job["fields"], job["dim"]
rows = FEATURES // fields


class Model(nn.Module):
    """Embedding, linear term, and attention over the pairs, or FM and a tower."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.Embedding(FEATURES, dim)
        self.weights = nn.Embedding(FEATURES, 1)
        self.bias = nn.Parameter(torch.zeros(1))
        self.register_buffer("offsets", torch.arange(fields) * rows)
        self.register_buffer("pairs", torch.triu_indices(fields, fields, 1))
        if job["model"] == "AFM":
            self.attention = nn.Linear(dim, job["units"])
            self.head = nn.Linear(job["units"], 1, bias=False)
            self.projection = nn.Linear(dim, 1, bias=False)
        else:
            widths = [fields * dim, *job["tower"]]
            layers = []
            for one, other in itertools.pairwise(widths):
                layers += [nn.Linear(one, other), nn.ReLU()]
            self.tower = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits, `(batch,)`."""
        ids = ids + self.offsets
        v = self.vectors(ids)
        first = self.bias + self.weights(ids).sum(1)
        if job["model"] == "AFM":
            products = v[:, self.pairs[0]] * v[:, self.pairs[1]]
            scores = self.head(torch.relu(self.attention(products)))
            pooled = (torch.softmax(scores, dim=1) * products).sum(1)
            return (first + self.projection(pooled))[:, 0]
        second = 0.5 * (v.sum(1).square() - v.square().sum(1)).sum(1, keepdim=True)
        return (first + second + self.tower(v.flatten(1)))[:, 0]


torch.manual_seed(0)
model = Model()
optimizer = torch.optim.Adam(model.parameters(), 0.001)
loss_of = nn.BCEWithLogitsLoss()
batches = [
    (torch.randint(0, rows, (batch, fields)), torch.randint(0, 2, (batch,)).float())
    for _ in range(8)
]


score = torch.compile(model) if job.get("compile") else model


def train(number: int) -> float:
    ids, labels = batches[number % 8]
    optimizer.zero_grad()
    loss = loss_of(score(ids), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


answer(train)
