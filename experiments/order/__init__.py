"""Do small starts memorize, or compose without seeing the order of the anchors?"""
