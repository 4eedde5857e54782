#!/bin/sh
# What the demo's agent reviews.
name=$1
echo "Hello, $name"
